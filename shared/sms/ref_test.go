package sms_test

import (
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func FuzzParseRef(f *testing.F) {
	f.Add("0198c5a0-7b1e-7c3d-9a53-0f4f1c7b8e21.1790000000000")
	f.Add("0198c5a0-7b1e-7c3d-9a53-0f4f1c7b8e21.0")
	f.Add("0198C5A0-7B1E-7C3D-9A53-0F4F1C7B8E21.1")
	f.Add("0198c5a0-7b1e-7c3d-9a53-0f4f1c7b8e21.+1")
	f.Add("0198c5a0-7b1e-7c3d-9a53-0f4f1c7b8e21.9223372036854775808")
	f.Add(`{"id": "x"}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		ref, err := sms.ParseRef(body)
		if err != nil {
			return
		}
		if ref.String() != body || !sms.ValidID(ref.ID) || ref.Generation <= 0 {
			t.Errorf("ParseRef(%q) = %+v, want an error", body, ref)
		}
	})
}
