// Command flow calls the API with a client that ogen generated. Usage:
//
//	flow BASE TOKEN REFERENCE
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"flow/smsapi"
)

const number = "+5511999999999"

type token string

func (t token) OAuth2(context.Context, smsapi.OperationName) (smsapi.OAuth2, error) {
	return smsapi.OAuth2{Token: string(t)}, nil
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the flow is done")
}

func run(base, bearer, reference string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	api, err := smsapi.NewClient(base+"/v1", token(bearer))
	if err != nil {
		return err
	}
	began := time.Now().Add(-time.Minute)

	first := &smsapi.MessageRequest{PhoneNumber: number, Message: "Your code is 1234", Reference: smsapi.NewOptString(reference)}
	answer, err := api.SendMessage(ctx, first, smsapi.SendMessageParams{IdempotencyKey: smsapi.NewOptString(reference)})
	sent, ok := answer.(*smsapi.MessageHeaders)
	if !ok {
		return fmt.Errorf("sending: %w %+v", err, answer)
	}
	for status := sent.Response.Status; status != smsapi.MessageStatusDelivered; {
		answer, err := api.GetMessage(ctx, smsapi.GetMessageParams{ID: sent.Response.ID, Wait: smsapi.NewOptInt(20)})
		got, ok := answer.(*smsapi.GetMessageOKHeaders)
		if !ok {
			return fmt.Errorf("looking it up: %w %+v", err, answer)
		}
		status = got.Response.Status
	}

	for want, filter := range []smsapi.ListMessagesParams{
		{To: smsapi.NewOptDateTime(began)},
		{From: smsapi.NewOptDateTime(began), To: smsapi.NewOptDateTime(time.Now().UTC().Add(time.Hour))},
	} {
		filter.Reference = smsapi.NewOptString(reference)
		answer, err := api.ListMessages(ctx, filter)
		page, ok := answer.(*smsapi.MessageListHeaders)
		if !ok || len(page.Response.Messages) != want {
			return fmt.Errorf("listing: %w %+v", err, answer)
		}
	}

	later := time.Now().Add(time.Hour).Truncate(time.Second)
	second := &smsapi.MessageRequest{PhoneNumber: number, Message: "Later", SendAt: smsapi.NewOptDateTime(later)}
	answer, err = api.SendMessage(ctx, second, smsapi.SendMessageParams{})
	scheduled, ok := answer.(*smsapi.MessageHeaders)
	if !ok || !scheduled.Response.SendAt.Value.Equal(later) {
		return fmt.Errorf("scheduling: %w %+v", err, answer)
	}
	canceling, err := api.CancelMessage(ctx, smsapi.CancelMessageParams{ID: scheduled.Response.ID})
	if canceled, ok := canceling.(*smsapi.GetMessageOKHeaders); !ok || canceled.Response.Status != smsapi.MessageStatusCanceled {
		return fmt.Errorf("canceling: %w %+v", err, canceling)
	}

	sending, err := api.SendBatch(ctx, &smsapi.BatchRequest{Messages: []smsapi.BatchMessageRequest{
		{PhoneNumber: number, Message: "Hello"}, {PhoneNumber: "+1", Message: "Hello"},
	}})
	batch, ok := sending.(*smsapi.BatchResultsHeaders)
	if !ok || !batch.Response.Results[0].Message.Set || batch.Response.Results[1].Problem.Value.Type != "urn:smsqueue:problem:invalid-fields" {
		return fmt.Errorf("sending a batch: %w %+v", err, sending)
	}

	answer, err = api.SendMessage(ctx, &smsapi.MessageRequest{PhoneNumber: "+1", Message: "Hello"}, smsapi.SendMessageParams{})
	problem, ok := answer.(*smsapi.ProblemHeaders)
	if !ok || problem.Response.Type != "urn:smsqueue:problem:invalid-fields" || problem.Response.Errors[0].Field != "phoneNumber" {
		return fmt.Errorf("sending to nobody: %w %+v", err, answer)
	}
	return nil
}
