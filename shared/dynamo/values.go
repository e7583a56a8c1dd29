package dynamo

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// millis is a stored time in milliseconds since 1970. 0 means no time.
type millis int64

func toMillis(t time.Time) millis {
	if t.IsZero() {
		return 0
	}
	return millis(t.UnixMilli())
}

// purgeSeconds converts t to the form that DynamoDB's TTL needs: whole seconds, rounded
// up.
func purgeSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return ceil(t, time.Second).Unix()
}

func ceil(t time.Time, unit time.Duration) time.Time {
	if whole := t.Truncate(unit); whole.Before(t) {
		return whole.Add(unit)
	}
	return t
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num[N ~int | ~int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func list(values ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: values}
}
