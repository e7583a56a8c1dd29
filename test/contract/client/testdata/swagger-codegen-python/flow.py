"""Uses a client that swagger-codegen made: flow.py BASE TOKEN REFERENCE.

The client takes the server's address from the contract.
"""

import sys
import types
from datetime import datetime, timedelta, timezone

import swagger_client
from swagger_client.rest import ApiException
from swagger_client import MessageRequest, BatchRequest, BatchMessageRequest

_, token, reference = sys.argv[1:]
number = "+5511999999999"
config = swagger_client.Configuration()
config.access_token = token
client = swagger_client.ApiClient(config)
api = swagger_client.MessagesApi(client)
began = datetime.now(timezone(timedelta(hours=-3))) - timedelta(minutes=1)

sent = api.send_message(
    MessageRequest(phone_number=number, message="Your code is 1234", reference=reference),
    idempotency_key=reference)
status = sent.status
while status != "delivered":
    status = api.get_message(sent.id, wait=20).status

page = api.list_messages(reference=reference, _from=began, to=datetime.now(timezone.utc) + timedelta(hours=1))
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
except ApiException as refused:
    problem = client.deserialize(types.SimpleNamespace(data=refused.body), "Problem")
assert isinstance(problem, swagger_client.Problem), problem
assert problem.type == "urn:smsqueue:problem:invalid-fields" and problem.errors[0].field == "phoneNumber", problem
print("the flow is done")
