// Package kill contains a campaign that kills the sending processes again and again under
// load. The provider runs in a process of its own and survives. The provider's log shows
// whether a message was lost, or was sent twice without an event that says so. Without
// SMSQUEUE_SOAK=1, only a tenth of the campaign runs.
package kill
