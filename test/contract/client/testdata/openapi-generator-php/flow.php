<?php
// Uses a client that openapi-generator made: flow.php BASE TOKEN REFERENCE.
// The client takes the server's address from the contract.
require "GuzzleHttp/autoload.php";
spl_autoload_register(function (string $class) {
    $file = __DIR__ . "/smsapi/lib/" . str_replace("\\", "/", substr($class, strlen("OpenAPI\\Client\\"))) . ".php";
    if (str_starts_with($class, "OpenAPI\\Client\\") && is_file($file)) require $file;
});

use OpenAPI\Client\Model\{BatchMessageRequest, BatchRequest, MessageRequest};

[, , $token, $reference] = $argv;
$number = "+5511999999999";

function check(bool $ok, mixed $got): void
{
    if (!$ok) throw new Exception(print_r($got, true));
}

$config = (new OpenAPI\Client\Configuration())->setAccessToken($token);
$api = new OpenAPI\Client\Api\MessagesApi(new GuzzleHttp\Client(), $config);
$began = new DateTime("-1 minute", new DateTimeZone("-03:00"));

$sent = $api->sendMessage(
    new MessageRequest(["phone_number" => $number, "message" => "Your code is 1234", "reference" => $reference]), $reference);
$status = $sent->getStatus();
while ($status !== "delivered") $status = $api->getMessage($sent->getId(), 20)->getStatus();

// The generator takes a DateTime in the query, but cannot write it.
$page = $api->listMessages(null, null, $reference, $began->format(DATE_ATOM), (new DateTime("+1 hour"))->format(DateTime::ISO8601));
check(count($page->getMessages()) === 1 && $page->getMessages()[0]->getId() === $sent->getId(), $page);
$page = $api->listMessages(null, null, $reference, null, $began->format(DATE_ATOM));
check(count($page->getMessages()) === 0, $page);

$later = new DateTime("@" . (time() + 3600));
$scheduled = $api->sendMessage(new MessageRequest(["phone_number" => $number, "message" => "Later", "send_at" => $later]));
check($scheduled->getStatus() === "scheduled" && $scheduled->getSendAt() == $later, $scheduled);
check($api->cancelMessage($scheduled->getId())->getStatus() === "canceled", $scheduled);

$messages = array_map(fn ($to) => new BatchMessageRequest(["phone_number" => $to, "message" => "Hello"]), [$number, "+1"]);
$batch = $api->sendBatch(new BatchRequest(["messages" => $messages]));
check($batch->getResults()[0]->getMessage()->getStatus() === "queued", $batch);
check($batch->getResults()[1]->getProblem()->getType() === "urn:smsqueue:problem:invalid-fields", $batch);

try {
    $api->sendMessage(new MessageRequest(["phone_number" => "+1", "message" => "Hello"]));
    throw new Exception("a message to nobody was accepted");
} catch (OpenAPI\Client\ApiException $refused) {
    $problem = $refused->getResponseObject();
}
check($problem instanceof OpenAPI\Client\Model\Problem, $problem);
check($problem->getType() === "urn:smsqueue:problem:invalid-fields" && $problem->getErrors()[0]->getField() === "phoneNumber", $problem);
echo "the flow is done\n";
