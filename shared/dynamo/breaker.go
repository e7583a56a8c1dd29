package dynamo

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// breakerAttributes lists all attributes that a breaker may have.
var breakerAttributes = func() (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[sms.Breaker]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}()

// LoadBreaker returns the breaker. It does one strongly consistent read.
func (s *Store) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	var b sms.Breaker
	item, err := s.read(ctx, breakerID)
	if err == nil {
		err = decode(item, &b)
	}
	if err != nil {
		return sms.Breaker{}, fmt.Errorf("loading the breaker: %w", err)
	}
	return b, nil
}

// SaveBreaker replaces the breaker, in one write.
func (s *Store) SaveBreaker(ctx context.Context, next sms.Breaker) error {
	seen := next.Revision
	next.Revision = sms.NewToken()
	after := encode(next)
	var w change
	w.turn(nil, after)
	for _, name := range breakerAttributes {
		if _, set := after[name]; !set {
			w.removes = append(w.removes, "#"+name)
		}
	}
	if seen == "" {
		w.requireAbsent("#revision")
	} else {
		w.require("#revision = ?", str(seen))
	}
	_, err := call(ctx, s.client.UpdateItem, w.input(s.table, breakerID))
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if equal(failed.Item["revision"], after["revision"]) {
			return nil // the write succeeded, but its answer was lost, and the client repeated the write
		}
		return sms.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("saving the breaker: %w", err)
	}
	return nil
}
