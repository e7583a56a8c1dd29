// Package apimodel checks requests against AWS's own models of its APIs, as botocore
// ships them. Emulators accept many requests that AWS refuses.
//
// The package is written in Go because botocore does not help: it writes requests but
// does not read them, and its validator ignores patterns, enums, maxima and ranges.
//
// AWS checks more than its models contain. For SNS Publish and SQS SendMessage, the model
// has only names and types. The models lack the following. Each entry says what checks
// it, if anything does:
//
//   - Policy documents have no model. The package checks their grammar, and whether each
//     action is an operation of a service.
//   - The pipe's patterns and its template have no model. test/deploy tests them.
//   - The relay's schedule sets no input for the function. The relay's tests use the
//     event that Scheduler sends in this case.
//   - The types of aws-lambda-go decode Lambda's events. Tests use AWS's samples of these
//     events.
//   - The patterns of metric filters and the dashboard have no model, and no test checks
//     them by AWS's rules. test/deploy compares the messages in the patterns with the
//     code.
//   - The size of a function's environment, at most 4 KB, is in no model.
package apimodel
