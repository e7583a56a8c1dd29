// Command flow calls the API with a client that openapi-generator generated. Usage:
//
//	flow BASE TOKEN REFERENCE
//
// The command does not use BASE, because the client takes the server's address from the
// contract.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"flow/smsapi"
)

const number = "+5511999999999"

func main() {
	if err := run(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the flow is done")
}

func run(token, reference string) error {
	config := smsapi.NewConfiguration()
	config.AddDefaultHeader("Authorization", "Bearer "+token)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	api := smsapi.NewAPIClient(config).MessagesAPI
	began := time.Now().Add(-time.Minute)

	first := smsapi.NewMessageRequest(number, "Your code is 1234")
	first.SetReference(reference)
	sent, _, err := api.SendMessage(ctx).MessageRequest(*first).IdempotencyKey(reference).Execute()
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	for status := sent.Status; status != smsapi.DELIVERED; {
		got, _, err := api.GetMessage(ctx, sent.Id).Wait(20).Execute()
		if err != nil {
			return fmt.Errorf("looking it up: %w", err)
		}
		status = got.Status
	}

	page, _, err := api.ListMessages(ctx).Reference(reference).From(began).To(time.Now().UTC().Add(time.Hour)).Execute()
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Id != sent.Id {
		return fmt.Errorf("listing: %w %+v", err, page)
	}
	if page, _, err = api.ListMessages(ctx).Reference(reference).To(began).Execute(); err != nil || len(page.Messages) != 0 {
		return fmt.Errorf("listing what is older: %w %+v", err, page)
	}

	later := time.Now().Add(time.Hour).Truncate(time.Second)
	second := smsapi.NewMessageRequest(number, "Later")
	second.SetSendAt(later)
	scheduled, _, err := api.SendMessage(ctx).MessageRequest(*second).Execute()
	if err != nil || scheduled.Status != smsapi.SCHEDULED || !scheduled.GetSendAt().Equal(later) {
		return fmt.Errorf("scheduling: %w %+v", err, scheduled)
	}
	canceled, _, err := api.CancelMessage(ctx, scheduled.Id).Execute()
	if err != nil || canceled.Status != smsapi.CANCELED {
		return fmt.Errorf("canceling: %w %+v", err, canceled)
	}

	batch, _, err := api.SendBatch(ctx).BatchRequest(*smsapi.NewBatchRequest([]smsapi.BatchMessageRequest{
		*smsapi.NewBatchMessageRequest(number, "Hello"), *smsapi.NewBatchMessageRequest("+1", "Hello"),
	})).Execute()
	if err != nil || batch.Results[0].Message == nil || batch.Results[1].Problem.GetType() != "urn:smsqueue:problem:invalid-fields" {
		return fmt.Errorf("sending a batch: %w %+v", err, batch)
	}

	_, _, err = api.SendMessage(ctx).MessageRequest(*smsapi.NewMessageRequest("+1", "Hello")).Execute()
	refused, ok := errors.AsType[*smsapi.GenericOpenAPIError](err)
	if !ok {
		return fmt.Errorf("sending to nobody: %w", err)
	}
	problem, ok := refused.Model().(smsapi.Problem)
	if !ok || problem.Type != "urn:smsqueue:problem:invalid-fields" || problem.Errors[0].Field != "phoneNumber" {
		return fmt.Errorf("sending to nobody: %+v", refused.Model())
	}
	return nil
}
