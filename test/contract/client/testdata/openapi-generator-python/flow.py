"""Uses a client that openapi-generator made: flow.py BASE TOKEN REFERENCE.

The client takes the server's address from the contract.
"""

import sys
from datetime import datetime, timedelta, timezone

import openapi_client
from openapi_client import MessageRequest, BatchRequest, BatchMessageRequest

_, token, reference = sys.argv[1:]
number = "+5511999999999"
api = openapi_client.MessagesApi(
    openapi_client.ApiClient(openapi_client.Configuration(access_token=token)))
began = datetime.now(timezone(timedelta(hours=-3))) - timedelta(minutes=1)

sent = api.send_message(
    MessageRequest(phone_number=number, message="Your code is 1234", reference=reference),
    idempotency_key=reference)
status = sent.status
while status != "delivered":
    status = api.get_message(sent.id, wait=20).status

page = api.list_messages(reference=reference, var_from=began, to=datetime.now(timezone.utc) + timedelta(hours=1))
assert [m.id for m in page.messages] == [sent.id], page
page = api.list_messages(reference=reference, to=began)
assert page.messages == [], page

later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
scheduled = api.send_message(MessageRequest(phone_number=number, message="Later", send_at=later))
assert scheduled.status == "scheduled" and scheduled.send_at == later, scheduled
assert api.cancel_message(scheduled.id).status == "canceled"

batch = api.send_batch(BatchRequest(messages=[
    BatchMessageRequest(phone_number=number, message="Hello"), BatchMessageRequest(phone_number="+1", message="Hello")]))
assert batch.results[0].message.status == "queued", batch
assert batch.results[1].problem.type == "urn:smsqueue:problem:invalid-fields", batch

try:
    api.send_message(MessageRequest(phone_number="+1", message="Hello"))
    raise SystemExit("a message to nobody was accepted")
except openapi_client.ApiException as refused:
    problem = refused.data
assert isinstance(problem, openapi_client.Problem), problem
assert problem.type == "urn:smsqueue:problem:invalid-fields" and problem.errors[0].var_field == "phoneNumber", problem
print("the flow is done")
