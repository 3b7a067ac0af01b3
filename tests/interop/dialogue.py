"""Commands on stdin and answers on stdout, a line of JSON each."""

import asyncio
import json
import sys

# Libraries may log to stdout, which is for answers.
answers, sys.stdout = sys.stdout, sys.stderr


def shown(message):
    """A message as JSON has it."""
    return {"text": message} if isinstance(message, str) else {"hex": message.hex()}


async def serve(*commands):
    """Runs the coroutine functions that the lines name, with what else they hold, until there are no more."""
    named = {command.__name__: command for command in commands}
    while line := await asyncio.to_thread(sys.stdin.readline):
        arguments = json.loads(line)
        try:
            answer = await named[arguments.pop("do")](**arguments)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
