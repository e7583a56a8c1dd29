// Package sns hands messages over to Amazon SNS.
//
// A message id from SNS does not mean success. SNS also returns a message id if the
// budget is spent, the account is under review, the number is opted out or the price is
// above the limit. Only SNS's delivery log shows such failures; see package deliverylog.
package sns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/smsqueue/smsqueue/shared/connect"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

// These are the message attributes that SNS reads when it sends an SMS. Source: Amazon
// SNS Developer Guide, "Publishing to a mobile phone".
const (
	attributeType        = "AWS.SNS.SMS.SMSType"
	attributeSenderID    = "AWS.SNS.SMS.SenderID"
	attributeMaxPrice    = "AWS.SNS.SMS.MaxPrice"
	attributeOrigination = "AWS.MM.SMS.OriginationNumber"
	attributeEntityID    = "AWS.MM.SMS.EntityId"
	attributeTemplateID  = "AWS.MM.SMS.TemplateId"
)

// idleTime is the longest time that a connection to SNS may be idle. SNS closes idle
// connections long before the 90 s after which the SDK closes them. A hand-over on a
// connection that SNS has closed ends without an answer.
const idleTime = time.Second

// NewClient returns a client that makes one attempt per call. Publish is not idempotent:
// if answers are lost, the SDK's default of three attempts sends a message up to three
// times.
func NewClient(cfg aws.Config) *sns.Client {
	return sns.NewFromConfig(cfg, func(o *sns.Options) {
		o.RetryMaxAttempts = 1                                                 // guard: single attempt
		o.HTTPClient = connect.NewClient(cfg, connect.Options{Idle: idleTime}) // guard: fresh connections
	})
}

// Provider hands messages over to SNS. Callers may use it concurrently.
type Provider struct{ client *sns.Client }

var _ sms.Provider = (*Provider)(nil)

// New returns a provider that publishes with client. The client must make only one
// attempt per call, like a client from NewClient.
func New(client *sns.Client) *Provider { return &Provider{client: client} }

// Name implements sms.Provider.
func (p *Provider) Name() sms.ProviderName { return deliverylog.Provider }

// CloseIdle closes the connections that carry no hand-over. A Lambda function calls
// CloseIdle when an invocation begins, because SNS may have closed these connections since
// the last invocation.
func (p *Provider) CloseIdle() { connect.CloseIdle(p.client.Options().HTTPClient) }

// HandOver publishes m once, within the deadline of ctx. It returns a *sms.ProviderError
// if SNS refused m, or if no connection to SNS could be made.
func (p *Provider) HandOver(ctx context.Context, m sms.Message) (providerMessageID string, err error) {
	if err := sms.Late(ctx); err != nil {
		return "", classify(m, fmt.Errorf("publishing message %s: %w", m.ID, err), true)
	}
	var t trip
	out, err := p.client.Publish(ctx, &sns.PublishInput{
		PhoneNumber:       aws.String(m.Number.String()),
		Message:           aws.String(m.Text),
		MessageAttributes: attributes(m),
	}, sns.WithAPIOptions(t.watch))
	if err != nil {
		return "", classify(m, err, t.unsent())
	}
	if out.MessageId == nil || *out.MessageId == "" {
		return "", fmt.Errorf("publishing message %s: %w", m.ID, errNoMessageID)
	}
	return *out.MessageId, nil
}

var errNoMessageID = errors.New("the answer has no message id")

// attributes returns the message attributes that tell SNS how to send m. They always
// include the type, because SNS's guides disagree about the default.
func attributes(m sms.Message) map[string]types.MessageAttributeValue {
	kind := "Transactional"
	if m.Type == sms.Promotional {
		kind = "Promotional"
	}
	all := map[string]types.MessageAttributeValue{attributeType: attribute("String", kind)}
	for _, optional := range []struct{ name, dataType, value string }{
		{attributeSenderID, "String", m.SenderID},
		{attributeMaxPrice, "Number", m.MaxPriceUSD},
		{attributeOrigination, "String", m.OriginationNumber},
		{attributeEntityID, "String", m.EntityID},
		{attributeTemplateID, "String", m.TemplateID},
	} {
		if optional.value != "" {
			all[optional.name] = attribute(optional.dataType, optional.value)
		}
	}
	return all
}

func attribute(dataType, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String(dataType), StringValue: aws.String(value)}
}
