package dynamo_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestNewerReleasesAttributes(t *testing.T) {
	client := newClient(t, enginetest.DynamoDB(t))
	table := newTable(t, client)
	s := story{T: t, store: dynamo.New(client, table, time.Now), now: start(), after: func(string) {}}
	key := func(m sms.Message) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: m.ID}}
	}
	// future adds an attribute, as the next release might.
	future := func(m sms.Message, path string) {
		t.Helper()
		_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, Key: key(m),
			UpdateExpression:          aws.String("SET " + path + " = :new"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":new": &types.AttributeValueMemberS{Value: "new"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	m := s.create("create", accept(s.now))
	future(m, "future")
	future(m, "events[0].future")
	got, err := s.store.Get(t.Context(), m.ID)
	if err != nil {
		t.Fatalf("an item of the next release cannot be read: %v", err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("the message in an item of the next release differs (-want +got):\n%s", diff)
	}

	m = s.claim("claim", m)
	future(m, "handOvers[0].future")
	m = s.record("no answer", m, sms.Unanswered())
	s.now = m.NotBefore
	m = s.claim("claim", m)
	m = s.record("refused", m, sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow}))
	s.now = m.NotBefore
	m = s.record("taken", s.claim("claim", m), sms.Taken("c1"))
	m = s.receive("delivered", m, "c1", sms.VerdictDelivered)
	if m.Status != sms.Delivered || len(m.HandOvers) != 2 {
		t.Fatalf("the message is %s with %d hand-overs, want delivered with 2", m.Status, len(m.HandOvers))
	}

	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &table, Key: key(m),
		ProjectionExpression: aws.String("future, events[0].future, handOvers[0].future"),
	})
	if err != nil {
		t.Fatal(err)
	}
	within := func(list string) types.AttributeValue {
		l, _ := out.Item[list].(*types.AttributeValueMemberL)
		if l == nil || len(l.Value) == 0 {
			return nil
		}
		element, _ := l.Value[0].(*types.AttributeValueMemberM)
		return element.Value["future"]
	}
	for name, value := range map[string]types.AttributeValue{
		"future": out.Item["future"], "events[0].future": within("events"), "handOvers[0].future": within("handOvers"),
	} {
		if kept, ok := value.(*types.AttributeValueMemberS); !ok || kept.Value != "new" {
			t.Errorf("%s is %v, want it unchanged", name, value)
		}
	}
}

func TestACounterThatIsOnlyTriedIsNotStored(t *testing.T) {
	client := newClient(t, enginetest.DynamoDB(t))
	table := newTable(t, client)
	store := dynamo.New(client, table, time.Now)
	c := sms.CountParts("acme", 1, 10, start())
	stored := func(what string, want int32) {
		t.Helper()
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Count != want {
			t.Errorf("the table has %d items after %s, want %d", out.Count, what, want)
		}
	}
	if err := store.Count(t.Context(), c.Try()); err != nil {
		t.Fatal(err)
	}
	stored("a try", 0)
	if err := store.Count(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stored("a count", 1)
}

func TestIndexesThatAWriteTouches(t *testing.T) {
	var touched []string
	client := dynamodb.NewFromConfig(enginetest.Config(t, enginetest.DynamoDB(t)), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, noteIndexes(&touched))
	})
	got := map[string][]string{}
	s := story{T: t, store: dynamo.New(client, newTable(t, client), time.Now), now: start(), after: func(step string) {
		slices.Sort(touched)
		got[step], touched = slices.Compact(touched), nil
	}}

	m := s.record("taken", s.claim("claimed", s.create("created", accept(s.now))), sms.Taken("c1"))
	m = s.receive("delivered", m, "c1", sms.VerdictDelivered)
	m = s.receive("delivered again", m, "c1", sms.VerdictDelivered)
	withoutText, _, err := rules.DeleteText(m, s.now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.store.Update(t.Context(), m, withoutText)
	s.done("text deleted", m, err)

	m = s.claim("claimed", s.create("created", accept(s.now)))
	m = s.record("no answer", m, sms.Unanswered())
	s.now = m.NotBefore
	m = s.claim("claimed again", m)
	m = s.record("taken at last", m, sms.Taken("c2"))
	s.receive("delivered at last", m, "c2", sms.VerdictDelivered)

	want := map[string][]string{
		"created":           {"due", "list"},
		"claimed":           {"due"},
		"taken":             {"due", "provider"},
		"delivered":         nil,
		"delivered again":   nil,
		"text deleted":      nil,
		"no answer":         {"due", "unmatched"},
		"claimed again":     {"due"},
		"taken at last":     {"due", "provider"},
		"delivered at last": nil, // the first hand-over still has no receipt
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the indexes that each step writes differ (-want +got):\n%s", diff)
	}
}

func noteIndexes(touched *[]string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoteIndexes", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch write := in.Parameters.(type) {
			case *dynamodb.PutItemInput:
				write.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			case *dynamodb.UpdateItemInput:
				write.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
			}
			out, metadata, err := next.HandleInitialize(ctx, in)
			var consumed *types.ConsumedCapacity
			switch wrote := out.Result.(type) {
			case *dynamodb.PutItemOutput:
				consumed = wrote.ConsumedCapacity
			case *dynamodb.UpdateItemOutput:
				consumed = wrote.ConsumedCapacity
			}
			if consumed != nil {
				for name, capacity := range consumed.GlobalSecondaryIndexes {
					if aws.ToFloat64(capacity.CapacityUnits) > 0 {
						*touched = append(*touched, name)
					}
				}
			}
			return out, metadata, err
		}), middleware.Before)
	}
}
