package sms_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestAnEnvelopeIsReadAsItWasWritten(t *testing.T) {
	ref := sms.Ref{ID: sms.NewID(), Generation: 1_790_000_000_000}
	for body, want := range map[string]sms.Envelope{
		ref.String():          {Ref: ref, Parts: 1},
		ref.String() + ".2":   {Ref: ref, Parts: 2},
		ref.String() + ".255": {Ref: ref, Parts: 255},
	} {
		got, err := sms.ParseBody(body)
		if err != nil {
			t.Errorf("ParseBody(%q): %v", body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", body, diff)
		}
		if got.Body() != body {
			t.Errorf("the body is %q, want %q", got.Body(), body)
		}
	}
	if got := (sms.Envelope{Ref: ref}).Body(); got != ref.String() {
		t.Errorf("without a number of parts, the body is %q, want %q", got, ref)
	}
	for _, suffix := range []string{".", ".0", ".1", ".02", ".+2", ".256", ".-2", ".x", ".2.2", "..2"} {
		if got, err := sms.ParseBody(ref.String() + suffix); err == nil {
			t.Errorf("an envelope that ends with %q was read as %+v, want an error", suffix, got)
		}
	}
}

func FuzzParseBody(f *testing.F) {
	const id = "0198c5a0-7b1e-7c3d-9a53-0f4f1c7b8e21"
	for _, body := range []string{
		id + ".1790000000000", id + ".1790000000000.3", id + ".0", id + ".+1", id + ".1.1", id + ".9223372036854775808",
		"0198C5A0-7B1E-7C3D-9A53-0F4F1C7B8E21.1", `{"id": "x"}`, "",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		e, err := sms.ParseBody(body)
		if err != nil {
			return
		}
		if e.Body() != body || !sms.ValidID(e.Ref.ID) || e.Ref.Generation <= 0 || e.Parts < 1 || e.Parts > sms.MaxParts {
			t.Errorf("%q was read as %+v, want an error", body, e)
		}
	})
}
