// Package sns hands messages over to Amazon SNS.
//
// A message id from SNS is an acceptance, not a delivery: a spent budget, an
// account under review, an opted-out number and a price ceiling get one too, and
// show only in SNS's delivery log, which services/receipts reads.
package sns

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

// The names of the message attributes that SNS reads when it sends an SMS.
// Source: Amazon SNS Developer Guide, "Publishing to a mobile phone".
const (
	attributeType        = "AWS.SNS.SMS.SMSType"
	attributeSenderID    = "AWS.SNS.SMS.SenderID"
	attributeMaxPrice    = "AWS.SNS.SMS.MaxPrice"
	attributeOrigination = "AWS.MM.SMS.OriginationNumber"
	attributeEntityID    = "AWS.MM.SMS.EntityId"
	attributeTemplateID  = "AWS.MM.SMS.TemplateId"
)

// NewClient is a client that makes one attempt at each call. Publish is not
// idempotent: the SDK's usual three attempts send a message up to three times
// when answers are lost.
func NewClient(cfg aws.Config) *sns.Client {
	return sns.NewFromConfig(cfg, func(o *sns.Options) {
		o.RetryMaxAttempts = 1 // guard: single attempt
	})
}

// Provider is SNS. It may be used by any number of callers at once.
type Provider struct{ client *sns.Client }

var _ sms.Provider = (*Provider)(nil)

// New makes a provider of client, which must make no attempt after the first, as
// one of NewClient does.
func New(client *sns.Client) *Provider { return &Provider{client: client} }

// Name implements sms.Provider.
func (c *Provider) Name() sms.ProviderName { return deliverylog.Provider }

// HandOver publishes m once, under the deadline of ctx. The error is a
// *sms.ProviderError where SNS refused m, or where no connection to it came about;
// any other error leaves it open whether SNS took m. No error holds m's number.
func (c *Provider) HandOver(ctx context.Context, m sms.Message) (providerMessageID string, err error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("publishing message %s: %w", m.ID, err)
	}
	var t trip
	out, err := c.client.Publish(ctx, &sns.PublishInput{
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

// attributes tells SNS how to send m. The type always stands, because what the
// guides say of its default contradicts itself.
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
