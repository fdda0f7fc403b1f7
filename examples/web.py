"""An asyncio server that answers each request by a guest of its own, with limits; guests wait without blocking it.

It prints:

    /7 -> 200 21
    /8 -> 200 24
    /13 -> 503 fuel exhausted
"""

import asyncio
from pathlib import Path

import wasmcy

MODULE = wasmcy.Module.from_file(Path(__file__).parent / "guests" / "visits.wasm")
LIMITS = wasmcy.Limits(memory="1MiB", fuel=100_000, timeout=2.0)


async def ask(user: int) -> int:
    """What the guest waits for: a database, say. Other requests are served meanwhile."""
    await asyncio.sleep(0.01)
    return user


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await reader.readline()).split()[1].decode()
    guest = MODULE.instantiate({"host": {"ask": ask}}, limits=LIMITS)
    try:
        status, body = 200, str(await guest.exports.handle.call_async(int(path[1:])))
    except wasmcy.LimitError as error:
        status, body = 503, error.message
    writer.write(f"HTTP/1.0 {status} -\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    await writer.drain()
    writer.close()


async def get(port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return f"{path} -> {head.split()[1]} {body}"


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for line in await asyncio.gather(*[get(port, path) for path in ("/7", "/8", "/13")]):
        print(line)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
