"""Another program that hears of payments: PURSER_AMQP_URL=amqp://integrator:... python docs/subscriber.py"""

import asyncio
import os

import aio_pika


async def main() -> None:
    async with await aio_pika.connect_robust(os.environ["PURSER_AMQP_URL"]) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("integrator.demo", durable=True)
        await queue.bind("purser.events", "billing.order_paid.v1")
        print("listening", flush=True)
        async with queue.iterator() as messages:
            async for message in messages:
                print(message.headers["ce-id"], message.body.decode(), flush=True)
                await message.ack()


asyncio.run(main())
