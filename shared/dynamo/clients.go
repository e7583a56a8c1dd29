package dynamo

import (
	"context"
	"fmt"
)

// clientItems contains the ids of the items with the deployment's clients. Terraform writes
// only the items that have clients. A hash of a client's name chooses its item, so no
// client moves when others are added or removed.
var clientItems = func() (ids []string) {
	for _, digit := range "0123456789abcdef" {
		ids = append(ids, "clients#"+string(digit))
	}
	return ids
}()

// clientsItem is an item with at most 100 clients. It has none of the attributes that the
// indexes and the TTL use.
type clientsItem struct {
	ID      string `json:"id"`
	Clients string `json:"clients"` // a JSON document
}

// Clients returns the JSON documents that contain the deployment's clients, as Terraform
// wrote them. It makes one batch read. If strong is false, the read costs half as much, and the documents may
// lack the changes of about the last second.
func (s *Store) Clients(ctx context.Context, strong bool) ([]string, error) {
	var documents []string
	err := s.readBatch(ctx, clientItems, strong, func(a attributes) error {
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
