# The table. Its keys and indexes must match Table in shared/enginetest;
# shared/dynamo explains what each is for.

resource "aws_dynamodb_table" "messages" {
  name                        = "${var.name}-messages"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  deletion_protection_enabled = var.deletion_protection
  stream_enabled              = var.events
  stream_view_type            = var.events ? "NEW_AND_OLD_IMAGES" : null

  dynamic "attribute" {
    for_each = {
      id           = "S"
      due_shard    = "S"
      due_at       = "N"
      provider_ref = "S"
      unmatched    = "S"
      list_shard   = "S"
      list_at      = "S"
    }
    content {
      name = attribute.key
      type = attribute.value
    }
  }

  global_secondary_index {
    name               = "due"
    hash_key           = "due_shard"
    range_key          = "due_at"
    projection_type    = "INCLUDE"
    non_key_attributes = ["createdAt", "due_round", "expiresAt", "owner", "purgeAt", "receipt"]
  }

  global_secondary_index {
    name            = "provider"
    hash_key        = "provider_ref"
    projection_type = "KEYS_ONLY"
  }

  global_secondary_index {
    name               = "unmatched"
    hash_key           = "unmatched"
    projection_type    = "INCLUDE"
    non_key_attributes = ["receipt"]
  }

  global_secondary_index {
    name               = "list"
    hash_key           = "list_shard"
    range_key          = "list_at"
    projection_type    = "INCLUDE"
    non_key_attributes = ["phoneNumber", "reference"]
  }

  ttl {
    attribute_name = "purge"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = local.kms_key
  }
}
