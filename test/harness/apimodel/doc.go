// Package apimodel checks requests against AWS's own models of its APIs, as botocore
// ships them. Emulators accept many requests that AWS refuses.
//
// The package is written in Go because botocore does not help: it writes requests but
// does not read them, and its validator ignores patterns, enums, maxima and ranges.
//
// A model is not everything that AWS checks. For SNS Publish and SQS SendMessage it has
// names and types only. The following is tested elsewhere, or not at all:
//
//   - Policy documents have no model. The package checks their grammar, and that each
//     action is an operation of a service.
//   - The pipe's patterns and its template have no model. test/deploy tests them.
//   - The schedule has no input. The relay's tests use the event that Scheduler sends then.
//   - Events of Lambda are decoded by the types of aws-lambda-go, from samples of AWS.
//   - Patterns of metric filters and the dashboard have no model, and no test with AWS's
//     own rules. test/deploy compares the patterns' messages with the code.
//   - The size of a function's environment, at most 4 KB, is in no model.
package apimodel
