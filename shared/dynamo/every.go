package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Every calls the function `visit` with each message, in any order. If visit returns an
// error, Every stops and returns an error that wraps it. Every scans the whole table with
// consistent reads, which cost a read unit per 4 KB. So no service may call Every.
func (s *Store) Every(ctx context.Context, visit func(sms.Message) error) error {
	in := &dynamodb.ScanInput{TableName: aws.String(s.table), ConsistentRead: aws.Bool(true)}
	for {
		out, err := call(ctx, s.client.Scan, in)
		if err != nil {
			return fmt.Errorf("scanning the table: %w", err)
		}
		for _, a := range out.Items {
			m, err := s.live(a)
			if errors.Is(err, sms.ErrNotFound) {
				continue // past its retention, or not a message
			}
			if err == nil {
				err = visit(m)
			}
			if err != nil {
				return fmt.Errorf("reading every message: %w", err)
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
