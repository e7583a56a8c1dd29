# Uses a client that openapi-generator made: flow.rb BASE TOKEN REFERENCE.
# The client takes the server's address from the contract.
require "openapi_client"

_, token, reference = ARGV
number = "+5511999999999"

def check(ok, got)
  raise got.inspect unless ok
end

config = OpenapiClient::Configuration.new
config.access_token = token
api = OpenapiClient::MessagesApi.new(OpenapiClient::ApiClient.new(config))
began = (Time.now - 60).localtime("-03:00")

sent = api.send_message(
  OpenapiClient::MessageRequest.new(phone_number: number, message: "Your code is 1234", reference: reference),
  idempotency_key: reference)
status = sent.status
status = api.get_message(sent.id, wait: 20).status while status != "delivered"

page = api.list_messages(reference: reference, from: began, to: Time.now.utc + 3600)
check page.messages.map(&:id) == [sent.id], page
page = api.list_messages(reference: reference, to: began)
check page.messages == [], page

later = Time.at(Time.now.to_i + 3600)
scheduled = api.send_message(OpenapiClient::MessageRequest.new(phone_number: number, message: "Later", send_at: later))
check scheduled.status == "scheduled" && scheduled.send_at == later, scheduled
check api.cancel_message(scheduled.id).status == "canceled", scheduled

batch = api.send_batch(OpenapiClient::BatchRequest.new(messages: [number, "+1"].map { |to|
  OpenapiClient::BatchMessageRequest.new(phone_number: to, message: "Hello")
}))
check batch.results[0].message.status == "queued", batch
check batch.results[1].problem.type == "urn:smsqueue:problem:invalid-fields", batch

begin
  api.send_message(OpenapiClient::MessageRequest.new(phone_number: "+1", message: "Hello"))
  raise "a message to nobody was accepted"
rescue OpenapiClient::ApiError => refused
  problem = OpenapiClient::Problem.build_from_hash(JSON.parse(refused.response_body, symbolize_names: true))
end
check problem.type == "urn:smsqueue:problem:invalid-fields" && problem.errors[0].field == "phoneNumber", problem
puts "the flow is done"
