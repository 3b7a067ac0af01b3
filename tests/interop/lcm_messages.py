"""Writes and reads messages with the PyPI package dimos-lcm, for tests/tests/interop_lcm.rs.

Each line of stdin is a command in JSON, each line of stdout its answer:
  {"do": "random", "type": NAME, "seed": NUMBER}   a message with random content
  {"do": "decode", "type": NAME, "hex": BYTES}     a message from bytes
Both answer with its bytes as dimos-lcm encodes them, and with its fields by their names, counts left out.
"""

import importlib
import json
import math
import random
import struct
import sys

import dimos_lcm  # noqa: F401  puts its messages on the path

INTEGERS = {"byte": (0, 2**8 - 1)} | {f"int{n}_t": (-(2 ** (n - 1)), 2 ** (n - 1) - 1) for n in (8, 16, 32, 64)}
PRIMITIVES = {"boolean", "float", "double", "string", *INTEGERS}
CHARACTERS = 'aZ0/ "\\ß字🤖'


def named(name):
    package, _, name = name.partition(".")
    return getattr(importlib.import_module(f"lcm_msgs.{package}"), name)


def counts(cls):
    return {size for sizes in cls.__dimensions__ if sizes for size in sizes if isinstance(size, str)}


def fields(cls):
    return zip(cls.__slots__, cls.__typenames__, cls.__dimensions__)


def random_element(chance, kind, cls):
    if kind not in PRIMITIVES:
        return random_message(chance, cls)
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "string":
        return "".join(chance.choices(CHARACTERS, k=chance.randrange(8)))
    if kind in INTEGERS:
        low, high = INTEGERS[kind]
        return chance.choice([low, high, 0, chance.randint(low, high)])
    number = chance.choice([0.0, -0.0, 1.0, math.inf, -math.inf, chance.randint(-(2**31), 2**31) / 1000])
    return number if kind == "double" else struct.unpack(">f", struct.pack(">f", number))[0]


def random_message(chance, cls):
    # Its defaults are shared between all messages, so everything is made anew.
    message = cls()
    sizes = {name: chance.randrange(5) for name in cls.__slots__ if name in counts(cls)}
    for name, kind, dimensions in fields(cls):
        nested = None if kind in PRIMITIVES else cls._get_field_type(name)
        if name in sizes:
            value = sizes[name]
        elif dimensions:
            [size] = dimensions
            value = [random_element(chance, kind, nested) for _ in range(sizes.get(size, size))]
            if kind == "byte":
                value = bytes(value)
        else:
            value = random_element(chance, kind, nested)
        setattr(message, name, value)
    return message


def as_json(value):
    if isinstance(value, (list, tuple, bytes)):
        return [as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "NaN")
    if isinstance(value, (bool, int, float, str)):
        return value
    return {
        name: as_json(getattr(value, name))
        for name, _, _ in fields(type(value))
        if name not in counts(type(value))
    }


for line in sys.stdin:
    command = json.loads(line)
    try:
        cls = named(command["type"])
        if command["do"] == "random":
            message = random_message(random.Random(command["seed"]), cls)
        else:
            message = cls.lcm_decode(bytes.fromhex(command["hex"]))
        answer = {"hex": message.lcm_encode().hex(), "fields": as_json(message)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
