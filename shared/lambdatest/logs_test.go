package lambdatest_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/lambdatest"
)

func TestALogsEventIsReadByTheLibrary(t *testing.T) {
	var e events.CloudwatchLogsEvent
	if err := json.Unmarshal(lambdatest.LogsEvent("sns/log", "first", "é"), &e); err != nil {
		t.Fatal(err)
	}
	got, err := e.AWSLogs.Parse()
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, line := range got.LogEvents {
		messages = append(messages, line.Message)
	}
	if diff := cmp.Diff([]string{"first", "é"}, messages); diff != "" || got.LogGroup != "sns/log" || got.MessageType != "DATA_MESSAGE" {
		t.Errorf("the batch is %+v; its messages differ (-want +got):\n%s", got, diff)
	}
}
