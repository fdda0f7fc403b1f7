"""A small tour of MicroPython, and calls of the host functions of examples/micropython.py."""

import json
import math
import sys

import host


def fib(n):
    a, b = 0, 1
    while n:
        a, b, n = b, a + b, n - 1
    return a


class Stack(list):
    def top(self):
        return self[-1]


stack = Stack()
for word in ["3", "4", "+", "5", "*"]:
    if word.isdigit():
        stack.append(int(word))
    else:
        b, a = stack.pop(), stack.pop()
        stack.append(a + b if word == "+" else a * b)
print(stack.top(), fib(90), sys.implementation[0])
print(json.dumps({"pi": round(math.pi, 6), "squares": [n * n for n in range(6)]}))
try:
    [].pop()
except IndexError as error:
    print("IndexError:", error)


def ask(name, *args, **kwargs):
    reply = json.loads(host.call(name, json.dumps({"args": args, "kwargs": kwargs})))
    return reply["value"] if reply["ok"] else reply["error"]


print(ask("total", 2, 40), ask("shout", "hello", mark="?"), ask("missing"))
