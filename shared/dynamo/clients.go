package dynamo

import (
	"context"
	"fmt"
)

// clientBuckets names the items with the deployment's clients, each a bucket with at
// most 100 of them. Terraform writes them: it takes a client's bucket from a hash of
// its name alone, so that no client ever moves because another one comes or goes. A
// bucket without clients has no item.
var clientBuckets = func() (ids []string) {
	for _, digit := range "0123456789abcdef" {
		ids = append(ids, "clients#"+string(digit))
	}
	return ids
}()

// clientsItem is the item of a bucket. It has no attribute of an index and no TTL.
type clientsItem struct {
	ID      string `json:"id"`
	Clients string `json:"clients"` // a JSON document
}

// Clients returns the JSON documents with the deployment's clients, as Terraform wrote
// them: one strongly consistent batch read.
func (s *Store) Clients(ctx context.Context) ([]string, error) {
	var documents []string
	err := s.readBatch(ctx, clientBuckets, func(a attributes) error {
		var it clientsItem
		err := decode(a, &it)
		documents = append(documents, it.Clients)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the clients: %w", err)
	}
	return documents, nil
}
