create table word(name text primary key, size integer);
insert into word values ('fox', 3), ('lazy', 4), ('dog', 3), ('brown', 5);
begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into word select 'word' || i, i from n; commit;
begin; delete from word where size > 1500; rollback;
create index by_size on word(size);
select size, count(*), group_concat(name, ',') from word where size < 6 group by size order by size;
select count(*), sum(size), max(name) from word where size between 100 and 200;
