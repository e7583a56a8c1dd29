mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE", "GB"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "the_table_knows_the_clients" {
  variables {
    clients = {
      free    = { owner = "shop", scopes = ["read"], parts_per_day = -1, allowed_countries = ["US"] }
      limited = { messages_per_recipient_hour = 2 }
      plain   = {}
    }
  }
  assert {
    condition = merge([for i in aws_dynamodb_table_item.clients : jsondecode(jsondecode(i.item).clients.S)]...) == {
      (aws_cognito_user_pool_client.this["free"].id)    = { owner = "shop", scopes = ["read"], partsPerDay = -1, allowedCountries = ["US"] }
      (aws_cognito_user_pool_client.this["limited"].id) = { owner = "limited", scopes = ["read", "send"], messagesPerRecipientHour = 2 }
      (aws_cognito_user_pool_client.this["plain"].id)   = { owner = "plain", scopes = ["read", "send"] }
    }
    error_message = "The table has other clients than var.clients."
  }
  assert {
    condition = alltrue([
      for i in aws_dynamodb_table_item.clients :
      i.table_name == aws_dynamodb_table.messages.name && keys(jsondecode(i.item)) == ["clients", "id"]
    ])
    error_message = "An item of clients is in another table, or has attributes that a TTL or an index may read."
  }
}

run "a_client_stays_in_its_item_whoever_comes_and_goes" {
  variables {
    clients = { for i in range(60) : "client-${i}" => {} if i % 3 != 1 }
  }
  assert {
    condition = alltrue([
      for i in range(60) : strcontains(
        aws_dynamodb_table_item.clients[substr(sha256("client-${i}"), 0, 1)].item,
        "\\\"${aws_cognito_user_pool_client.this["client-${i}"].id}\\\":",
      ) if i % 3 != 1
    ])
    error_message = "A client is not in the item that its name alone decides."
  }
  assert {
    condition     = alltrue([for digit, i in aws_dynamodb_table_item.clients : jsondecode(i.item).id.S == "clients#${digit}" && can(regex("^[0-9a-f]$", digit))])
    error_message = "An item of clients has a key that shared/dynamo does not read."
  }
}

run "a_deployment_without_clients_has_no_items_for_them" {
  assert {
    condition     = length(aws_dynamodb_table_item.clients) == 0
    error_message = "There are items of clients without clients."
  }
}

run "a_thousand_clients_have_room" {
  command = plan
  variables {
    clients = { for i in range(1000) : "client-${i}" => { owner = "owner-${i}", parts_per_day = 1000, allowed_countries = ["DE"] } }
  }
  assert {
    condition     = sum([for names in local.client_items : length(names)]) == 1000 && length(aws_dynamodb_table_item.clients) == 16
    error_message = "The table will not know 1,000 clients."
  }
}

run "an_item_has_room_for_a_hundred_clients" {
  command = plan
  variables {
    # 129 names with the same hash digit
    clients = { for pair in setproduct(range(20), range(100)) : "client-${join("-", pair)}" => {} if substr(sha256("client-${join("-", pair)}"), 0, 1) == "0" }
  }
  expect_failures = [aws_dynamodb_table_item.clients]
}

run "no_function_may_write_clients" {
  variables { receipts = true }
  assert {
    condition = alltrue([
      for policy in [module.api.policy, module.sender.policy, module.relay.policy, module.receipts[0].policy] : [
        for s in jsondecode(policy).Statement : s if s.Effect == "Deny" && s.Resource == aws_dynamodb_table.messages.arn
        ] == [{
          Sid       = "LeaveClientsToTerraform"
          Effect    = "Deny"
          Action    = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
          Resource  = aws_dynamodb_table.messages.arn
          Condition = { "ForAnyValue:StringLike" = { "dynamodb:LeadingKeys" = ["clients#*"] } }
      }]
    ])
    error_message = "A function may write clients."
  }
}

# Lambda refuses more than 4 KB of environment variables, but only when they are applied.
run "the_environments_are_small" {
  variables {
    concurrent_executions = 2000
    name                  = "a-deployment-with-a-long-name-32"
    allowed_countries     = [for pair in setproduct(split("", "ABCDEFGHIJKLMNOPQRST"), split("", "ABCDEFGHIJKLM")) : join("", pair)] # 260, more than there are
    default_country       = "AA"
    receipts              = true
    clients               = { for i in range(50) : "client-${i}" => { owner = "owner-${i}" } }
    limits                = { parts_per_day = 1000000000, messages_per_recipient_hour = 1000000000 }
    messages              = { validity_hours = 100000, retention_days = 100000, max_attempts = 20 }
    sender                = { concurrency = 1000, parts_per_second = 1000000, timeout_seconds = 900 }
    api                   = { longest_wait_seconds = 15, reserved_concurrency = 500 }
  }
  assert {
    condition = alltrue([
      for e in [module.api.environment, module.sender.environment, module.relay.environment, module.receipts[0].environment] :
      sum([for name, value in e : length(name) + length(value)]) < 2048
    ])
    error_message = "The environment of a function is more than half of what Lambda allows."
  }
}
