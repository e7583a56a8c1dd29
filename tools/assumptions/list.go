package assumptions

// All returns every check, in the order of the table.
func All() []Check {
	return append(gatewayChecks(), append(snsChecks(), accountChecks()...)...)
}

func gatewayChecks() []Check {
	return []Check{
		{
			Name: "missing-scope", Source: Reported, Relied: true, Needs: []Need{API}, run: missingScope,
			Assumes: "A token with any one of a method's scopes passes the gateway. The function then answers 403 if the operation needs another scope.",
			How:     "asks for a preview, which needs `sms/send`, with a token for `sms/read` alone",
			IfNot:   "Clients get a 401, and may request tokens in a loop. Change `authorization_scopes` in `terraform/`, and what `services/api/openapi.yaml` says about 401 and 403.",
		},
		{
			Name: "removed-client", Source: Documented, Relied: true, Needs: []Need{API}, run: removedClient,
			Assumes: "A token outlives its app client at the gateway. The function knows the deployment's clients: it lets a new one in at once, and a removed one out within a minute.",
			How:     "makes an app client, adds it to the table, takes it away again, and uses one token all the time; removes everything",
			IfNot:   "Until the token expires, a removed client can send. Report it, with the times.",
		},
		{
			Name: "own-answers", Source: Documented, Relied: true, Needs: []Need{API}, run: ownAnswers,
			Assumes: "The gateway's own answers are problems with an `X-Request-Id`: 401 without a valid token, 404 for an unknown path or method.",
			How:     "makes four such requests",
			IfNot:   "Correct the table of gateway responses in `terraform/`.",
		},
		{
			Name: "raw-bytes", Source: Documented, Relied: true, Needs: []Need{API}, run: rawBytes,
			Assumes: "With `*/*` as a binary media type, the gateway passes invalid UTF-8 to the function unchanged.",
			How:     "asks for the preview of a text with the byte FF",
			IfNot:   "Texts may arrive with other characters than the client sent. Correct `binary_media_types` in `terraform/`.",
		},
		{
			Name: "large-body", Source: Reported, Needs: []Need{API, SizeLimit}, run: largeBody,
			Assumes: "A body that exceeds Lambda's 6 MB once it is encoded fails at the gateway as 413.",
			How:     "posts 5 MB of spaces to the preview",
			IfNot:   "Nothing breaks: such a request is refused in any case. Correct the response type in `terraform/`.",
		},
		{
			Name: "blocked-request", Source: Documented, Needs: []Need{API}, run: blockedRequest,
			Assumes: "A request that a web ACL blocks is answered with 403 and a problem.",
			How:     "makes a request that looks like an attack, if the stage has a web ACL",
			IfNot:   "Add the response type of the answer to the table in `terraform/`.",
		},
		{
			Name: "location", Source: Documented, Relied: true, Needs: []Need{API}, run: location,
			Assumes: "The path in `Location`, with the stage, leads to the message on the host that the client called.",
			How:     "gets the `Location` of the first message",
			IfNot:   "Clients that follow `Location` fail. Look at `requestContext.path` in the function's event.",
		},
		{
			Name: "access-log", Source: Documented, Relied: true, Needs: []Need{API, AccessLog}, run: accessLog,
			Assumes: "The gateway may write its access log, and the log lists each request under the id that the request's answer shows.",
			How:     "looks for a request of its own in the log",
			IfNot:   "The account has no role with which API Gateway writes logs: see the README of `terraform/`.",
		},
	}
}

func snsChecks() []Check {
	return []Check{
		{
			Name: "sent", Source: Unverified, Relied: true, Parts: 1, Needs: []Need{API}, run: sentByRole,
			Assumes: "With the sender's permissions (publish to everything except topics), SNS takes a message to a phone.",
			How:     "sends a short text through the API",
			IfNot:   "The breaker is open, and its reason names what is missing. Correct the sender's statements in `terraform/sns.tf`.",
		},
		{
			Name: "delivered", Source: Unverified, Relied: true, Needs: []Need{API, DeliveryLogs}, run: delivered,
			Assumes: "SNS writes a line about every message, and the subscription brings it to the function that makes the message `delivered`.",
			How:     "waits for the receipt of the first message",
			IfNot:   "Without receipts, `sent` is the last status, and a spent limit goes unnoticed. Look at the log groups, their subscriptions, and the log of the function `receipts`.",
		},
		{
			Name: "log-form", Source: Reported, Relied: true, Needs: []Need{API, DeliveryLogs}, run: logForm,
			Assumes: "Every line of SNS's delivery log has the message id and a time in UTC with up to three digits of a second, and our parser reads it.",
			How:     "reads every line that SNS wrote during the run",
			IfNot:   "Add the line, with the number replaced, to `shared/sns/deliverylog/testdata`, and change the parser until it reads it.",
		},
		{
			Name: "log-role", Source: Unverified, Relied: true, Needs: []Need{API, DeliveryLogs, Preferences}, run: logRole,
			Assumes: "SNS can write its log with a role whose trust is limited to this account (`aws:SourceAccount`).",
			How:     "reads the role, and looks for a line about the first message",
			IfNot:   "Remove the condition from the role in `terraform/sns.tf`.",
		},
		{
			Name: "price-ceiling", Source: Documented, Relied: true, Parts: 1, Needs: []Need{API, DeliveryLogs}, run: priceCeiling,
			Assumes: "SNS takes a message that costs more than `maxPriceUSD`, does not send it, and says so in the log.",
			How:     "sends a message that may cost 0.00001 USD, before all others. If it is delivered, nothing else is sent",
			IfNot:   "`maxPriceUSD` does not protect clients, and this test's bound does not hold either. Compare the bill, and report it.",
		},
		{
			Name: "long-text", Source: Documented, Parts: 2, Needs: []Need{API, DeliveryLogs}, run: longText,
			Assumes: "A text of 200 GSM-7 characters is sent in the 2 parts that the API estimated.",
			How:     "compares the answer to a submission with the delivery log",
			IfNot:   "Nothing breaks: the receipt's number replaces the estimate. Limits count the estimate.",
		},
		{
			Name: "idle-connections", Source: Reported, Relied: true, Parts: 1, Alone: true, Needs: []Need{API, Freezing}, run: idleConnections,
			Assumes: "A hand-over by a function that was frozen for minutes is answered, because it uses no connection that SNS has closed.",
			How:     "hands over, waits 2 minutes, hands over again, and counts the hand-overs",
			IfNot:   "Messages are sent twice, or end as unknown, after each pause. Look at the SNS client's transport.",
		},
		{
			Name: "sandbox-words", Source: Reported, Relied: true, Parts: 1, Needs: []Need{DeliveryLogs, Sandbox}, run: sandboxWords,
			Assumes: "In the sandbox, SNS takes a message to a number that is not verified, and its log says \"Sandboxed account unable to send to number.\"",
			How:     "publishes to a fictional number, if the account is in the sandbox",
			IfNot:   "Add the words to the causes in `shared/sns/deliverylog`, or to the refusals in `shared/sns`.",
		},
		{
			Name: "opted-out-words", Source: Unverified, Relied: true, Parts: 1, Needs: []Need{DeliveryLogs}, run: optedOutWords,
			Assumes: "SNS's words about a number that has opted out contain \"opted out\".",
			How:     "publishes to the number in `--opted-out`; without one, it does not look",
			IfNot:   "Add the words to the causes in `shared/sns/deliverylog`, or to the refusals in `shared/sns`.",
		},
		{
			Name: "refused-number", Source: Reported, Relied: true, Needs: []Need{NumberChecks}, run: refusedNumber,
			Assumes: "SNS refuses a bad number at once, with the code InvalidParameter and \"is not valid to publish to\".",
			How:     "publishes to a number with 18 digits",
			IfNot:   "Add the code or the words in `shared/sns/refusal.go`.",
		},
		{
			Name: "publish-only", Source: Unverified, Parts: 1, Needs: []Need{API, Permissions}, run: publishOnly,
			Assumes: "A role with `sns:Publish` alone may send. The sender also has `sms-voice:SendTextMessage`, as AWS's own policy does.",
			How:     "publishes as a temporary role, which it removes",
			IfNot:   "Nothing breaks: the statement in `terraform/sns.tf` is needed, and must stay.",
		},
		{
			Name: "throttling-codes", Source: Reported, Relied: true, run: never("it would take more messages at once than the bound allows"),
			Assumes: "If it gets too many messages at once, SNS refuses some with a code that begins with Throttl, or with 429.",
			How:     "cannot be checked at this price",
			IfNot:   "Look for outcomes without an answer under load, and add the code in `shared/sns/refusal.go`.",
		},
		{
			Name: "throttling-words", Source: Reported, Relied: true, run: never("it would take more messages at once than the bound allows"),
			Assumes: "SNS does not send a message whose origination number is too slow, and the message's line in the log says \"Rate exceeded\".",
			How:     "cannot be checked at this price",
			IfNot:   "Add the words to the causes in `shared/sns/deliverylog`.",
		},
		{
			Name: "spend-limit-words", Source: Reported, Relied: true, run: never("it would take a spent limit"),
			Assumes: "SNS takes messages beyond the spend limit, and its log says \"No quota left for account\".",
			How:     "cannot be checked without spending the limit",
			IfNot:   "Add the words to the causes in `shared/sns/deliverylog`, or to the refusals in `shared/sns`.",
		},
		{
			Name: "review-words", Source: Unverified, Relied: true, run: never("it would take an account under review"),
			Assumes: "SNS takes messages of an account under review, and its log says \"requires additional review\".",
			How:     "cannot be checked",
			IfNot:   "Add the words to the causes in `shared/sns/deliverylog`, or to the refusals in `shared/sns`.",
		},
		{
			Name: "text-events", Source: Unverified, Needs: []Need{API, EventRules, TextEvents}, run: textEvents,
			Assumes: "A text sent through SNS also shows on the account's default event bus, from `aws.sms-voice`, with the provider message id.",
			How:     "watches the default bus with a temporary rule and queue",
			IfNot:   "Nothing breaks. If it holds, receipts could do without the account-wide delivery logs: please tell us.",
		},
		{
			Name: "sent-event-type", Source: Unverified, run: never("this deployment does not send by End User Messaging"),
			Assumes: "An event destination of End User Messaging can choose TEXT_SENT. The API's model lists it, the guide does not.",
			How:     "cannot be checked through SNS",
			IfNot:   "Nothing breaks: TEXT_ALL is always possible.",
		},
	}
}

func accountChecks() []Check {
	return []Check{
		{
			Name: "fair-queues", Source: Documented, Relied: true, run: fairQueues,
			Assumes: "A standard queue accepts and returns a MessageGroupId.",
			How:     "sends an entry to a temporary queue and receives it",
			IfNot:   "No message is enqueued: the relay finds each a minute later. Look at `shared/sqsqueue`.",
		},
		{
			Name: "bus-rules", Source: Documented, Needs: []Need{EventRules}, run: busRule,
			Assumes: "A rule on the deployment's event bus brings events to a queue.",
			How:     "puts an event of its own on the bus. This shows that the two checks of events can see something",
			IfNot:   "Then `bus-events` and `text-events` say nothing. Check the permissions of the caller.",
		},
		{
			Name: "bus-events", Source: Reported, Relied: true, Needs: []Need{API, EventRules, Pipes}, run: busEvents,
			Assumes: "The pipe, whose patterns do not name `eventName`, puts a message's change of status on the event bus.",
			How:     "watches the deployment's bus with a temporary rule and queue",
			IfNot:   "Callbacks do not come. Look at the alarms `events-late` and `failed-events`, and at the pipe's patterns.",
		},
		{
			Name: "relay-runs", Source: Documented, Relied: true, Needs: []Need{Metrics}, run: relayRuns,
			Assumes: "The schedule runs the relay every minute.",
			How:     "counts the relay's runs in the metrics of the last 13 minutes",
			IfNot:   "Scheduled messages and retries are late. Look at the alarm `relay-stopped`, whose description says what to do.",
		},
		{
			Name: "relay-throttled", Source: Reported, Relied: true, run: never("it would take a function that is throttled, which stops the deployment"),
			Assumes: "Lambda drops throttled runs of the relay after 60 seconds, instead of piling them up for 6 hours.",
			How:     "cannot be checked without stopping the relay for some minutes",
			IfNot:   "After throttling ends, the relay runs many times at once, which is harmless but costs money. Look at the maximum event age of the alias.",
		},
		{
			Name: "concurrency", Source: Reported, Needs: []Need{AccountLimits}, run: concurrency,
			Assumes: "A new account may run 10 functions at once.",
			How:     "reads the account's settings of Lambda",
			IfNot:   "Correct the number in the documents. With a smaller one, lower the sender's `concurrency`.",
		},
		{
			Name: "sms-preferences", Source: Documented, Relied: true, Needs: []Need{Preferences}, run: preferences,
			Assumes: "If the deployment reads receipts, SNS logs every delivery (a sampling rate of 100), with a role.",
			How:     "reads SNS's settings for SMS",
			IfNot:   "Most messages stay `sent`. Set `delivery_logs` in `sms_preferences`, or the same settings where they are managed.",
		},
		{
			Name: "account-settings", Source: Documented, Relied: true, Needs: []Need{Preferences}, run: accountSettings,
			Assumes: "Applying and destroying leave the account's own settings as they were, except those that were named.",
			How:     "compares them with the file in `--before`, which `snapshot` wrote, and with the output `account_wide`",
			IfNot:   "Put the old values back: the file has them.",
		},
		{
			Name: "spend-metric", Source: Documented, Relied: true, Needs: []Need{API, Metrics}, run: spendMetric,
			Assumes: "CloudWatch has the month's spending on SMS in this Region, without dimensions.",
			How:     "reads the metric after the first message, and whether the receipt has a price",
			IfNot:   "The alarm `spend` never fires. Correct its metric in `terraform/`.",
		},
		{
			Name: "alarms", Source: Unverified, Relied: true, Needs: []Need{AlarmStates}, run: alarms,
			Assumes: "All alarms of a healthy deployment are OK, also if their metrics have no values yet, unless they ignore missing values.",
			How:     "lists the alarms whose names begin with the deployment's",
			IfNot:   "In the first 10 minutes, wait. Then do what the alarm's description says. If all is well, correct how the alarm treats missing data.",
		},
		{
			Name: "expiry", Source: Documented, Relied: true, run: expiry,
			Assumes: "DynamoDB deletes records by the time in `purge`. How soon it does so is not checked.",
			How:     "reads the table's settings",
			IfNot:   "Records are never deleted, although the API counts them as absent. Apply again.",
		},
		{
			Name: "second-plan", Source: Reported, Relied: true, Needs: []Need{StablePlans}, run: secondPlan,
			Assumes: "A second plan changes nothing: the provider reads back the indexes of the table as they were written.",
			How:     "runs `terraform plan`",
			IfNot:   "Pin the version of the provider in `terraform/deployment`, and report the plan.",
		},
	}
}
