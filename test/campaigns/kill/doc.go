// Package kill kills the sending processes repeatedly under load. A provider in a
// process of its own survives, and its log shows whether anything was lost, or sent
// twice without an event. Without SMSQUEUE_SOAK=1 a tenth of the campaign runs.
package kill
