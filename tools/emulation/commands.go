package emulation

import "strings"

// Region is the Region that the engines emulate.
const Region = "us-east-1"

// CLI returns the shell commands that point the AWS CLI and AWS's SDKs at the emulation.
func (e *Emulation) CLI() string {
	return "export AWS_ENDPOINT_URL=" + e.Front.URL + " AWS_REGION=" + Region + " AWS_DEFAULT_REGION=" + Region + "\n" +
		"export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n" +
		"unset AWS_SESSION_TOKEN AWS_PROFILE\n"
}

// Commands returns shell commands to paste. They send a message, show its status and what
// the phone got, and then write a line into SNS's delivery log that reports the message
// as delivered.
func (e *Emulation) Commands() string {
	shop := e.Clients["shop"]
	return strings.NewReplacer(
		"API", e.APIURL, "TOKEN_URL", e.TokenURL, "ENGINE", e.Front.URL, "ID:SECRET", shop.ID+":"+shop.Secret,
		"REGION", Region, "LOG_GROUP", DeliveryLogs(ministackAccount)[0], "LOG_STREAM", deliveryStream,
	).Replace(`
token=$(curl -sS -u ID:SECRET -d grant_type=client_credentials TOKEN_URL |
  sed 's/.*"access_token": *"\([^"]*\)".*/\1/')

answer=$(curl -sS -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d '{"phoneNumber": "+4915112345678", "message": "Your code is 1234"}' API/sms)
echo "$answer"
message=API/sms/$(echo "$answer" | sed 's/.*"id": *"\([^"]*\)".*/\1/')

until curl -sS -H "Authorization: Bearer $token" "$message" | grep '"status":"sent"'; do sleep 1; done

curl -sS 'ENGINE/_ministack/sns/sms-messages?phoneNumber=%2B4915112345678'

# Nobody else writes SNS's delivery log here. This line says that the phone got the message.
taken=$(curl -sS -H "Authorization: Bearer $token" "$message" | sed 's/.*"providerMessageId": *"\([^"]*\)".*/\1/')
line='{\"notification\": {\"messageId\": \"'$taken'\", \"timestamp\": \"'$(date -u '+%F %T')'\"},'
line=$line' \"delivery\": {\"destination\": \"+4915112345678\", \"numberOfMessageParts\": 1, \"priceInUSD\": 0.1,'
line=$line' \"providerResponse\": \"Message has been accepted by phone\"}, \"status\": \"SUCCESS\"}'
curl -sS --aws-sigv4 aws:amz:REGION:logs -u test:test ENGINE/ \
  -H 'X-Amz-Target: Logs_20140328.PutLogEvents' -H 'Content-Type: application/x-amz-json-1.1' \
  -d '{"logGroupName": "LOG_GROUP", "logStreamName": "LOG_STREAM",
    "logEvents": [{"timestamp": '$(date +%s)'000, "message": "'"$line"'"}]}'

until curl -sS -H "Authorization: Bearer $token" "$message" | grep '"status":"delivered"'; do sleep 1; done
`)
}
