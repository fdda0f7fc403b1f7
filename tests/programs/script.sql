create table word(name text primary key, size integer);
insert into word values ('fox', 3), ('lazy', 4), ('dog', 3), ('brown', 5);
select size, count(*), group_concat(name, ',') from word group by size order by size;
with recursive fib(n, a, b) as (select 1, 0, 1 union all select n + 1, b, a + b from fib where n < 20)
select max(a), sum(a) from fib;
.quit
