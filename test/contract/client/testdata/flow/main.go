// Command flow calls the API with a generated client, as a user does. It sends messages,
// waits for them, lists, cancels and resends them, and deletes a text. Usage:
//
//	flow BASE
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"flow/smsapi"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("every call of the generated client worked")
}

const number = "+5511999999999"

func run(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tokens := clientcredentials.Config{ClientID: "local", ClientSecret: "local-secret", TokenURL: base + "/oauth2/token"}
	api, err := smsapi.NewClientWithResponses(base+"/v1", smsapi.WithHTTPClient(tokens.Client(ctx)))
	if err != nil {
		return err
	}
	return errors.Join(send(ctx, api), takeBack(ctx, api), sendMany(ctx, api), previewRefused(ctx, api), service(ctx, api))
}

func unexpected(what string, response *http.Response, body []byte, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %s: %s", what, response.Status, body)
}

func send(ctx context.Context, api *smsapi.ClientWithResponses) error {
	key, reference := "flow-1", "flow"
	sent, err := api.SendMessageWithResponse(ctx, &smsapi.SendMessageParams{IdempotencyKey: &key},
		smsapi.MessageRequest{PhoneNumber: number, Message: "Your code is 1234", Reference: &reference})
	if err != nil || sent.JSON202 == nil {
		return unexpected("sending", sent.HTTPResponse, sent.Body, err)
	}
	id, wait := sent.JSON202.Id, 20
	etag := sent.HTTPResponse.Header.Get("ETag")
	for status := sent.JSON202.Status; status != smsapi.Delivered; {
		got, err := api.GetMessageWithResponse(ctx, id, &smsapi.GetMessageParams{Wait: &wait, IfNoneMatch: &etag})
		if err != nil || got.JSON200 == nil {
			return unexpected("looking it up", got.HTTPResponse, got.Body, err)
		}
		status = got.JSON200.Status
		etag = got.HTTPResponse.Header.Get("ETag")
	}
	list, err := api.ListMessagesWithResponse(ctx, &smsapi.ListMessagesParams{Reference: &reference})
	if err != nil || list.JSON200 == nil || len(list.JSON200.Messages) != 1 || list.JSON200.Messages[0].Id != id {
		return unexpected("listing it", list.HTTPResponse, list.Body, err)
	}
	deleted, err := api.DeleteTextWithResponse(ctx, id)
	if err != nil || deleted.StatusCode() != http.StatusNoContent {
		return unexpected("deleting its text", deleted.HTTPResponse, deleted.Body, err)
	}
	return nil
}

func takeBack(ctx context.Context, api *smsapi.ClientWithResponses) error {
	later := time.Now().Add(time.Hour)
	sent, err := api.SendMessageWithResponse(ctx, nil, smsapi.MessageRequest{PhoneNumber: number, Message: "Later", SendAt: &later})
	if err != nil || sent.JSON202 == nil {
		return unexpected("scheduling", sent.HTTPResponse, sent.Body, err)
	}
	canceled, err := api.CancelMessageWithResponse(ctx, sent.JSON202.Id)
	if err != nil || canceled.JSON200 == nil || canceled.JSON200.Status != smsapi.Canceled {
		return unexpected("canceling", canceled.HTTPResponse, canceled.Body, err)
	}
	again, err := api.ResendMessageWithResponse(ctx, sent.JSON202.Id, nil)
	if err != nil || again.JSON202 == nil || *again.JSON202.ResendOf != sent.JSON202.Id {
		return unexpected("resending", again.HTTPResponse, again.Body, err)
	}
	return nil
}

func sendMany(ctx context.Context, api *smsapi.ClientWithResponses) error {
	var batch smsapi.BatchRequest
	for _, to := range []string{number, "+1"} {
		batch.Messages = append(batch.Messages, smsapi.BatchMessageRequest{PhoneNumber: to, Message: "Hello"})
	}
	sent, err := api.SendBatchWithResponse(ctx, batch)
	if err != nil || sent.JSON200 == nil || len(sent.JSON200.Results) != 2 ||
		sent.JSON200.Results[0].Message == nil || sent.JSON200.Results[1].Problem == nil {
		return unexpected("sending a batch", sent.HTTPResponse, sent.Body, err)
	}
	return nil
}

func previewRefused(ctx context.Context, api *smsapi.ClientWithResponses) error {
	message := smsapi.MessageRequest{PhoneNumber: "+1", Message: "Hello"}
	preview, err := api.PreviewMessageWithResponse(ctx, message)
	if err != nil || preview.JSON200 == nil || preview.JSON200.Acceptable {
		return unexpected("previewing", preview.HTTPResponse, preview.Body, err)
	}
	sent, err := api.SendMessageWithResponse(ctx, nil, message)
	if err != nil || sent.ApplicationproblemJSON422 == nil || len(*sent.ApplicationproblemJSON422.Errors) != 1 {
		return unexpected("sending to nobody", sent.HTTPResponse, sent.Body, err)
	}
	return nil
}

func service(ctx context.Context, api *smsapi.ClientWithResponses) error {
	status, err := api.GetStatusWithResponse(ctx)
	if err != nil || status.JSON200 == nil || !status.JSON200.Sending {
		return unexpected("asking for the status", status.HTTPResponse, status.Body, err)
	}
	return nil
}
