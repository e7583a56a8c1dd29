package deliverylog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

func TestParseReadsWhatSNSWrites(t *testing.T) {
	at := time.Date(2016, 6, 28, 0, 40, 34, 558_000_000, time.UTC)
	whole := sms.Receipt{
		Provider:          "sns",
		ProviderMessageID: "34d9b400-c6dd-5444-820d-fbeb0f1f54cf", Number: "+12025550142", At: at,
		Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier,
		Detail: "Message has been accepted by phone carrier", Price: 6_450_000, Parts: 1,
	}
	unreachable := whole
	unreachable.Verdict, unreachable.Evidence, unreachable.Failure = sms.VerdictUndelivered, "", sms.Unreachable
	unreachable.Detail = "Phone is currently unreachable/unavailable"
	for file, want := range map[string]sms.Receipt{
		"taken-by-carrier.json":                 whole,
		"taken-by-carrier-with-device-ack.json": whole,
		"delivered.json": {
			Provider: "sns", ProviderMessageID: "0c1d9b44-77bd-5938-90cf-a1e572815b99", Number: "+12025550143",
			At: time.Date(2022, 3, 9, 7, 12, 45, 30_000_000, time.UTC), Verdict: sms.VerdictDelivered, Evidence: sms.ByHandset,
			Detail: "Delivered", Price: 8_310_000, Parts: 1,
		},
		"rate-exceeded.json": {
			Provider: "sns", ProviderMessageID: "5c0f0e1a-44b7-5b0f-8c56-1c7a7a1d0c77", Number: "+14165550124",
			At: time.Date(2023, 5, 5, 11, 0, 0, 1_000_000, time.UTC), Verdict: sms.VerdictVoid, Detail: "Rate exceeded.", Parts: 1,
		},
		"sandboxed.json": {
			Provider: "sns", ProviderMessageID: "6d1f0e1a-55b7-5b0f-8c56-1c7a7a1d0c78", Number: "+12025550144",
			At: time.Date(2023, 5, 5, 11, 0, 0, 0, time.UTC), Verdict: sms.VerdictUndelivered, Failure: sms.Sandboxed,
			Detail: "Sandboxed account unable to send to number.",
		},
		"unreachable.json": unreachable,
		"no-quota-bare.json": {
			Provider: "sns", Number: "+12025550142", Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account",
		},
		"no-quota.json": {
			Provider: "sns", ProviderMessageID: "1077257a-92f3-5ca3-bc97-6a915b310625", Number: "+12025550142",
			At:      time.Date(2021, 4, 19, 13, 54, 35, 510_000_000, time.UTC),
			Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account",
		},
		"review.json": {
			Provider: "sns", ProviderMessageID: "1077257a-92f3-5ca3-bc97-6a915b310625", Number: "+12025550142", At: at,
			Verdict: sms.VerdictVoid, Trouble: sms.AccountReview,
			Detail: "Your account requires additional review before it can send to this destination",
		},
	} {
		t.Run(file, func(t *testing.T) {
			line, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := deliverylog.Parse(line)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseKnowsEveryFailure(t *testing.T) {
	for response, want := range map[string]sms.FailureCode{
		"Blocked as spam by phone carrier":                   sms.Spam,
		"Destination is on a blocked list":                   sms.BlockedByCarrier,
		"Invalid phone number":                               sms.NumberRefused,
		"Message body is invalid":                            sms.ContentRefused,
		"Phone carrier has blocked this message":             sms.BlockedByCarrier,
		"Phone carrier is currently unreachable/unavailable": sms.CarrierFault,
		"Phone has blocked SMS":                              sms.BlockedByHandset,
		"Phone is on a blocked list":                         sms.BlockedByCarrier,
		"Phone is currently unreachable/unavailable":         sms.Unreachable,
		"Phone number is opted out":                          sms.OptedOut,
		"+12025550142 is opted out":                          sms.OptedOut,
		"This delivery would exceed max price":               sms.PriceExceeded,
		"Unknown error attempting to reach phone":            sms.CarrierFault,
		"PHONE HAS BLOCKED SMS":                              sms.BlockedByHandset,
		"Sandboxed account unable to send to number.":        sms.Sandboxed,
		"Sandboxed account unable to send to number":         sms.Sandboxed,
		"Something that nobody has seen yet":                 sms.CarrierFault,
		"":                                                   sms.CarrierFault,
	} {
		t.Run(response, func(t *testing.T) {
			got, err := deliverylog.Parse([]byte(
				`{"delivery": {"destination": "+12025550142", "providerResponse": "` + response + `"}, "status": "FAILURE"}`))
			if err != nil {
				t.Fatal(err)
			}
			want := sms.Receipt{Provider: "sns", Number: "+12025550142", Verdict: sms.VerdictUndelivered, Failure: want, Detail: response}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARefusalForNowIsVoidWithoutTrouble(t *testing.T) {
	for _, response := range []string{"Rate exceeded.", "Rate exceeded", "RATE EXCEEDED."} {
		t.Run(response, func(t *testing.T) {
			got, err := deliverylog.Parse([]byte(
				`{"delivery": {"destination": "+12025550142", "providerResponse": "` + response + `"}, "status": "FAILURE"}`))
			if err != nil {
				t.Fatal(err)
			}
			want := sms.Receipt{Provider: "sns", Number: "+12025550142", Verdict: sms.VerdictVoid, Detail: response}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheWordsSayWhoConfirmedADelivery(t *testing.T) {
	for response, want := range map[string]sms.Evidence{
		"Message has been accepted by phone carrier":   sms.ByCarrier,
		"message has been ACCEPTED BY phone carrier":   sms.ByCarrier,
		"Message has been accepted by phone":           sms.ByHandset,
		"Delivered":                                    sms.ByHandset,
		"delivered to phone carrier":                   sms.ByCarrier,
		"Delivered to carrier":                         sms.ByCarrier,
		"Message has been accepted by phone's CARRIER": sms.ByCarrier,
		"Something that nobody has seen yet":           sms.ByCarrier,
		"":                                             sms.ByCarrier,
	} {
		for _, dwell := range []string{"", `, "dwellTimeMs": 105`, `, "dwellTimeMs": 105, "dwellTimeMsUntilDeviceAck": 336`} {
			t.Run(response+dwell, func(t *testing.T) {
				got, err := deliverylog.Parse(success(`"providerResponse": "` + response + `"` + dwell))
				if err != nil || got.Evidence != want {
					t.Errorf("evidence %q, %v, want %q", got.Evidence, err, want)
				}
			})
		}
	}
}

func TestParseReadsPricesExactly(t *testing.T) {
	for price, want := range map[string]sms.NanoUSD{
		"0": 0, "0.00645": 6_450_000, "0.1": 100_000_000, "1": 1_000_000_000, "6.45E-3": 6_450_000, "12.345678901": 12_345_678_901,
		"0.0000000014": 1, "0.0000000015": 2, "null": 0, "0.70000000000000000001": 700_000_000,
	} {
		t.Run(price, func(t *testing.T) {
			got, err := deliverylog.Parse(success(`"priceInUSD": ` + price))
			if err != nil || got.Price != want {
				t.Errorf("the price is %d (error %v), want %d", got.Price, err, want)
			}
		})
	}
}

func TestParseReadsOddButPlainLines(t *testing.T) {
	for name, line := range map[string]string{
		"a timestamp without fraction": `{"notification": {"messageId": "x", "timestamp": "2016-06-28 00:40:34"}, "delivery": {"destination": "+12025550142"}, "status": "SUCCESS"}`,
		"a timestamp with a zone":      `{"notification": {"messageId": "x", "timestamp": "2016-06-28T02:40:34.000+02:00"}, "delivery": {"destination": "+12025550142"}, "status": "SUCCESS"}`,
		"a status in lower case":       `{"notification": {"messageId": "x", "timestamp": "2016-06-28 00:40:34"}, "delivery": {"destination": "+12025550142"}, "status": "success"}`,
		"unknown fields":               `{"v": [1], "notification": {"messageId": "x", "timestamp": "2016-06-28 00:40:34", "a": {}}, "delivery": {"destination": "+12025550142", "mnc": "x"}, "status": "SUCCESS"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := deliverylog.Parse([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			want := sms.Receipt{
				Provider:          "sns",
				ProviderMessageID: "x", Number: "+12025550142", At: time.Date(2016, 6, 28, 0, 40, 34, 0, time.UTC),
				Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a failure without a status is known by its words", func(t *testing.T) {
		got, err := deliverylog.Parse([]byte(`{"delivery": {"destination": "+12025550142", "providerResponse": "no quota left for account"}}`))
		if err != nil || got.Verdict != sms.VerdictVoid {
			t.Errorf("verdict %q, %v, want %q", got.Verdict, err, sms.VerdictVoid)
		}
	})
	t.Run("a long response is cut between two characters", func(t *testing.T) {
		got, err := deliverylog.Parse(success(`"providerResponse": "x` + strings.Repeat("é", 400) + `"`))
		if want := "x" + strings.Repeat("é", 149); err != nil || got.Detail != want {
			t.Errorf("the detail has %d bytes (error %v), want %d", len(got.Detail), err, len(want))
		}
	})
}

func TestParseRefusesGarbage(t *testing.T) {
	for name, line := range map[string]string{
		"nothing":                        ``,
		"not JSON":                       `START RequestId: 4b9bd3a4`,
		"two documents":                  string(success(`"mnc": 1`)) + `{}`,
		"half a document":                `{"status": "SUCCESS", "delivery": {`,
		"a list":                         `[]`,
		"null":                           `null`,
		"no destination":                 `{"delivery": {}, "status": "SUCCESS"}`,
		"a delivery of a topic":          `{"delivery": {"destination": "arn:aws:sns:us-east-1:1:t"}, "status": "SUCCESS"}`,
		"no plus sign":                   `{"delivery": {"destination": "12025550142"}, "status": "SUCCESS"}`,
		"no status":                      `{"delivery": {"destination": "+12025550142", "providerResponse": "fine"}}`,
		"another status":                 `{"delivery": {"destination": "+12025550142"}, "status": "PENDING"}`,
		"a year before SNS":              `{"notification": {"timestamp": "0001-01-01 00:00:00"}, "delivery": {"destination": "+12025550142"}, "status": "SUCCESS"}`,
		"a timestamp that is not a time": `{"notification": {"timestamp": "yesterday"}, "delivery": {"destination": "+12025550142"}, "status": "SUCCESS"}`,
		"a message id that is too long":  `{"notification": {"messageId": "` + strings.Repeat("x", 101) + `"}, "delivery": {"destination": "+12025550142"}, "status": "SUCCESS"}`,
		"a negative price":               string(success(`"priceInUSD": -1`)),
		"a price of zeros":               string(success(`"priceInUSD": 1e1000000000`)),
		"a price that is too high":       string(success(`"priceInUSD": 1e30`)),
		"negative parts":                 string(success(`"numberOfMessageParts": -1`)),
		"a number in place of a text":    `{"delivery": {"destination": 12025550142}, "status": "SUCCESS"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := deliverylog.Parse([]byte(line))
			if err == nil {
				t.Fatalf("Parse = %+v, want an error", got)
			}
			if strings.Contains(err.Error(), "2025550142") {
				t.Errorf("the error shows the number: %v", err)
			}
		})
	}
}

func TestFormatWritesALineOfSNS(t *testing.T) {
	rc := sms.Receipt{
		Provider: deliverylog.Provider, ProviderMessageID: "34d9b400-c6dd-5444-820d-fbeb0f1f54cf", Number: "+12025550142",
		At:      time.Date(2016, 6, 28, 0, 40, 34, 558_000_000, time.UTC),
		Verdict: sms.VerdictDelivered, Evidence: sms.ByHandset,
		Detail: "Message has been accepted by phone", Price: 12_900_000, Parts: 2,
	}
	want := `{"notification":{"messageId":"34d9b400-c6dd-5444-820d-fbeb0f1f54cf","timestamp":"2016-06-28 00:40:34.558"},` +
		`"delivery":{"destination":"+12025550142","providerResponse":"Message has been accepted by phone",` +
		`"priceInUSD":0.0129,"numberOfMessageParts":2},"status":"SUCCESS"}`
	if diff := cmp.Diff(want, string(deliverylog.Format(rc))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func format(tb testing.TB) smstest.ReceiptFormat {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no samples: %v", err)
	}
	samples := make(map[string][]byte)
	for _, file := range files {
		if samples[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			tb.Fatal(err)
		}
	}
	return smstest.ReceiptFormat{
		Provider: deliverylog.Provider, Latest: deliverylog.Latest,
		Parse: deliverylog.Parse, Format: deliverylog.Format, Samples: samples,
	}
}

func TestConformance(t *testing.T) { smstest.TestReceiptFormat(t, format(t)) }

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"delivery": {"destination": "+12025550142", "priceInUSD": 1e-999}, "status": "SUCCESS"}`))
	f.Add([]byte(`{"notification": {"timestamp": "0000-01-01T00:00:00+01:00"}, "delivery": {"destination": "+12025550142", "priceInUSD": 9007199.254740993}, "status": "SUCCESS"}`))
	f.Add([]byte(`{"delivery": {"destination": "+12025550142", "providerResponse": "` + strings.Repeat("€", 100) + `is opted out"}, "status": "FAILURE"}`))
	smstest.FuzzReceiptFormat(f, format(f))
}

func success(field string) []byte {
	return []byte(`{"delivery": {"destination": "+12025550142", ` + field + `}, "status": "SUCCESS"}`)
}
