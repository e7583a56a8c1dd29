package sqlite

import (
	"encoding/json"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
)

func TestRecordFormat(t *testing.T) {
	smstest.TestRecordFormat(t, smstest.RecordFormat{
		Message: smstest.Codec[sms.Message]{Write: encode, Read: decode[sms.Message]},
		Breaker: asJSON[sms.Breaker](),
		Receipt: asJSON[sms.PendingReceipt](),
	})
}

func asJSON[T any]() smstest.Codec[T] {
	return smstest.Codec[T]{
		Write: func(record T) ([]byte, error) { return json.Marshal(record) },
		Read:  decode[T],
	}
}
