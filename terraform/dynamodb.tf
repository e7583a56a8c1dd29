# The table. Its keys and indexes must match the function Table in shared/enginetest. The
# comments of shared/dynamo explain each key and index.

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

# The settings of each client, in the form that services/api reads. A hash of a
# client's name determines its item, so that no client moves to another item when other
# clients come or go. shared/dynamo reads all 16 items.

locals {
  # Only Terraform writes clients.
  keep_clients = {
    Sid       = "LeaveClientsToTerraform"
    Effect    = "Deny"
    Action    = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    Resource  = aws_dynamodb_table.messages.arn
    Condition = { "ForAnyValue:StringLike" = { "dynamodb:LeadingKeys" = ["clients#*"] } }
  }

  client_items = { for name in keys(var.clients) : substr(sha256(name), 0, 1) => name... }
}

resource "aws_dynamodb_table_item" "clients" {
  for_each = local.client_items

  table_name = aws_dynamodb_table.messages.name
  hash_key   = aws_dynamodb_table.messages.hash_key
  item = jsonencode({
    id = { S = "clients#${each.key}" }
    clients = { S = jsonencode({
      for name in each.value : aws_cognito_user_pool_client.this[name].id => {
        for field, value in {
          owner                    = coalesce(var.clients[name].owner, name)
          scopes                   = sort(var.clients[name].scopes)
          allowedCountries         = var.clients[name].allowed_countries
          partsPerDay              = var.clients[name].parts_per_day
          messagesPerRecipientHour = var.clients[name].messages_per_recipient_hour
        } : field => value if value != null
      }
    }) }
  })

  lifecycle {
    precondition {
      condition     = length(each.value) <= 100
      error_message = "The names of ${length(each.value)} clients hash to the same item of the table, which has room for 100: rename some of them (${join(", ", slice(each.value, 0, min(3, length(each.value))))}, …), or split the deployment."
    }
  }
}
