// Package kill kills what sends, again and again under load, and asks a provider
// that lives on in a process of its own whether anything was lost or sent
// twice without a word. A tenth of the campaign runs without SMSQUEUE_SOAK=1.
package kill
