"""Uses a client that openapi-python-client made: flow.py BASE TOKEN REFERENCE."""

import sys
from datetime import datetime, timedelta, timezone

from smsapi import AuthenticatedClient
from smsapi.api.messages import cancel_message, get_message, list_messages, send_batch, send_message
from smsapi.models import BatchMessageRequest, BatchRequest, Message, MessageRequest, MessageStatus, Problem

base, token, reference = sys.argv[1:]
number = "+5511999999999"
client = AuthenticatedClient(base_url=base + "/v1", token=token, timeout=30)
began = datetime.now(timezone(timedelta(hours=-3))) - timedelta(minutes=1)

sent = send_message.sync(
    client=client, idempotency_key=reference,
    body=MessageRequest(phone_number=number, message="Your code is 1234", reference=reference))
assert isinstance(sent, Message), sent
status = sent.status
while status != MessageStatus.DELIVERED:
    status = get_message.sync(sent.id, client=client, wait=20).status

page = list_messages.sync(
    client=client, reference=reference, from_=began, to=datetime.now(timezone.utc) + timedelta(hours=1))
assert [m.id for m in page.messages] == [sent.id], page
page = list_messages.sync(client=client, reference=reference, to=began)
assert page.messages == [], page

later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
scheduled = send_message.sync(client=client, body=MessageRequest(phone_number=number, message="Later", send_at=later))
assert scheduled.status == MessageStatus.SCHEDULED and scheduled.send_at == later, scheduled
assert cancel_message.sync(scheduled.id, client=client).status == MessageStatus.CANCELED

batch = send_batch.sync(client=client, body=BatchRequest(messages=[
    BatchMessageRequest(phone_number=number, message="Hello"), BatchMessageRequest(phone_number="+1", message="Hello")]))
assert batch.results[0].message.status == MessageStatus.QUEUED, batch
assert batch.results[1].problem.type_ == "urn:smsqueue:problem:invalid-fields", batch

problem = send_message.sync(client=client, body=MessageRequest(phone_number="+1", message="Hello"))
assert isinstance(problem, Problem), problem
assert problem.type_ == "urn:smsqueue:problem:invalid-fields" and problem.errors[0].field == "phoneNumber", problem
print("the flow is done")
