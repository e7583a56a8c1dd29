package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNothingIsSentWithoutAskingForIt(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "--number"},
		{[]string{"--number", "12"}, "--number"},
		{[]string{"--number", "+4915112345678", "--opted-out", "x"}, "--opted-out"},
		{[]string{"--number", "+4915112345678", "--only", "sent,unknown"}, "--only"},
		{[]string{"--number", "+4915112345678", "--before", "missing.json"}, "missing.json"},
		{[]string{"--number", "+4915112345678", "--root", "missing"}, "missing"},
		{[]string{"compare", "missing.json", "more"}, "exit code 2"},
		{[]string{"--unknown"}, "exit code 2"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			if err := livetest(t.Context(), tt.args); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one about %q", err, tt.want)
			}
		})
	}
	t.Run("an address that is neither AWS nor an engine", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		if err := livetest(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "AWS_ENDPOINT_URL") {
			t.Errorf("error = %v, want one about AWS_ENDPOINT_URL", err)
		}
	})
	t.Run("no Region", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_DEFAULT_REGION", "")
		if err := livetest(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
			t.Errorf("error = %v, want one about AWS_REGION", err)
		}
	})
}

func TestOnlyAYesIsAYes(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Y\n": true, "": false, "\n": false, "n\n": false, "yes, but\n": false} {
		if got := confirmed(strings.NewReader(answer)); got != want {
			t.Errorf("%q counts as a yes: %t, want %t", answer, got, want)
		}
	}
}

func TestSettingsAreReadFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "before.json")
	if err := os.WriteFile(file, []byte(`{"SNS MonthlySpendLimit": "1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := readSettings(file); err != nil || all["SNS MonthlySpendLimit"] != "1" {
		t.Errorf("the settings are %v, %v", all, err)
	}
	if err := os.WriteFile(file, []byte("no JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSettings(file); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want one about the content", err)
	}
}
