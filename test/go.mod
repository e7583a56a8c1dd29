module github.com/smsqueue/smsqueue/test

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/smsqueue/smsqueue/services/api v0.0.0
	github.com/smsqueue/smsqueue/services/receipts v0.0.0
	github.com/smsqueue/smsqueue/services/relay v0.0.0
	github.com/smsqueue/smsqueue/services/sender v0.0.0
	github.com/smsqueue/smsqueue/shared v0.0.0
	golang.org/x/oauth2 v0.37.0
	golang.org/x/sync v0.24.0
	pgregory.net/rapid v1.3.0
)

require (
	github.com/aws/aws-sdk-go-v2 v1.47.7 // indirect
	github.com/aws/aws-sdk-go-v2/credentials v1.20.15 // indirect
	github.com/aws/smithy-go v1.28.8 // indirect
	github.com/google/uuid v1.6.0 // indirect
)

replace github.com/smsqueue/smsqueue/shared => ../shared

replace github.com/smsqueue/smsqueue/services/api => ../services/api

replace github.com/smsqueue/smsqueue/services/receipts => ../services/receipts

replace github.com/smsqueue/smsqueue/services/relay => ../services/relay

replace github.com/smsqueue/smsqueue/services/sender => ../services/sender
