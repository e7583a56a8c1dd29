package dynamo

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
)

func TestRecordFormat(t *testing.T) {
	smstest.TestRecordFormat(t, smstest.RecordFormat{
		Message: smstest.Codec[sms.Message]{
			Write: func(m sms.Message) ([]byte, error) { return toJSON(stored(m)) },
			Read:  func(b []byte) (sms.Message, error) { return message(fromJSON(t, b)) },
		},
		Breaker: smstest.Codec[sms.Breaker]{
			Write: func(b sms.Breaker) ([]byte, error) { return toJSON(encode(b)) },
			Read: func(b []byte) (breaker sms.Breaker, err error) {
				err = decode(fromJSON(t, b), &breaker)
				return breaker, err
			},
		},
		Receipt: smstest.Codec[sms.PendingReceipt]{
			Write: func(p sms.PendingReceipt) ([]byte, error) { return toJSON(storedReceipt(p)) },
			Read: func(b []byte) (sms.PendingReceipt, error) {
				var it dueItem
				err := decode(fromJSON(t, b), &it)
				return *it.Receipt, err
			},
		},
	})
}

// toJSON writes attributes as the AWS CLI shows them: {"id": {"S": "..."}}.
func toJSON(a attributes) ([]byte, error) { return json.Marshal(mapJSON(a)) }

func mapJSON(a attributes) map[string]any {
	m := map[string]any{}
	for name, v := range a {
		m[name] = valueJSON(v)
	}
	return m
}

func valueJSON(v types.AttributeValue) map[string]any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": mapJSON(v.Value)}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, valueJSON(e))
		}
		return map[string]any{"L": list}
	}
	panic(fmt.Sprintf("records cannot contain a %T", v))
}

type jsonValue struct {
	S, N *string
	BOOL *bool
	M    map[string]jsonValue
	L    []jsonValue
}

func fromJSON(t *testing.T, b []byte) attributes {
	t.Helper()
	var m map[string]jsonValue
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return mapOf(m)
}

func mapOf(m map[string]jsonValue) attributes {
	a := attributes{}
	for name, v := range m {
		a[name] = v.value()
	}
	return a
}

func (v jsonValue) value() types.AttributeValue {
	switch {
	case v.S != nil:
		return str(*v.S)
	case v.N != nil:
		return &types.AttributeValueMemberN{Value: *v.N}
	case v.BOOL != nil:
		return &types.AttributeValueMemberBOOL{Value: *v.BOOL}
	case v.M != nil:
		return &types.AttributeValueMemberM{Value: mapOf(v.M)}
	}
	values := make([]types.AttributeValue, len(v.L))
	for i, e := range v.L {
		values[i] = e.value()
	}
	return list(values...)
}
