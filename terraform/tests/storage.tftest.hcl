mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "the_table_is_kept_safe" {
  assert {
    condition = (
      aws_dynamodb_table.messages.billing_mode == "PAY_PER_REQUEST"
      && aws_dynamodb_table.messages.deletion_protection_enabled
      && one(aws_dynamodb_table.messages.point_in_time_recovery).enabled
      && one(aws_dynamodb_table.messages.server_side_encryption).kms_key_arn == aws_kms_key.this[0].arn
    )
    error_message = "The table is not on demand, or not protected, recoverable and encrypted."
  }
  assert {
    condition     = one(aws_dynamodb_table.messages.ttl).enabled && one(aws_dynamodb_table.messages.ttl).attribute_name == "purge"
    error_message = "The table has no TTL."
  }
  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "ACTIVE"
    error_message = "The clients are not protected."
  }
}

run "protection_can_be_taken_off" {
  variables { deletion_protection = false }
  assert {
    condition     = !aws_dynamodb_table.messages.deletion_protection_enabled && aws_cognito_user_pool.this.deletion_protection == "INACTIVE"
    error_message = "The table or the clients cannot be destroyed."
  }
}

run "the_queue_hides_a_delivery_for_six_timeouts" {
  variables {
    sender = { timeout_seconds = 60 }
  }
  assert {
    condition     = aws_sqs_queue.messages.visibility_timeout_seconds == 360
    error_message = "Visibility is not 6 times the sender's timeout."
  }
}

run "the_queue_hides_a_delivery_until_the_relay_has_matched_its_receipt" {
  variables {
    sender = { timeout_seconds = 15 }
  }
  assert {
    condition     = aws_sqs_queue.messages.visibility_timeout_seconds == 195
    error_message = "An envelope may come back before the relay has ended its lease and looked for a receipt."
  }
}

run "garbage_goes_to_the_dead_letter_queue_and_from_nowhere_else" {
  assert {
    condition = (
      jsondecode(aws_sqs_queue.messages.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letters.arn
      && jsondecode(aws_sqs_queue.messages.redrive_policy).maxReceiveCount >= 5
    )
    error_message = "The queue has no dead-letter queue, or moves entries there too soon."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letters.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:eu-central-1:123456789012:smsqueue-messages"] }
    error_message = "Another queue may use the dead-letter queue."
  }
}

run "queues_take_encrypted_connections_only_and_store_encrypted" {
  assert {
    condition = alltrue([
      for q in [aws_sqs_queue.messages, aws_sqs_queue.dead_letters, aws_sqs_queue.failed_events] :
      jsondecode(q.policy).Statement == [{
        Sid       = "RefusePlainText"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "arn:aws:sqs:eu-central-1:123456789012:${q.name}"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    ])
    error_message = "A queue can be used without TLS."
  }
  assert {
    condition     = alltrue([for q in [aws_sqs_queue.messages, aws_sqs_queue.dead_letters, aws_sqs_queue.failed_events] : q.kms_master_key_id == aws_kms_key.this[0].arn])
    error_message = "A queue is not encrypted with the key."
  }
}

run "a_key_of_ones_own" {
  variables {
    kms_key_arn                 = "arn:aws:kms:eu-central-1:123456789012:key/own"
    manage_api_gateway_log_role = false
  }
  assert {
    condition     = length(aws_kms_key.this) == 0 && aws_sqs_queue.messages.kms_master_key_id == var.kms_key_arn && aws_cloudwatch_log_group.gateway[0].kms_key_id == var.kms_key_arn
    error_message = "The given key is not used, or another one is created."
  }
}
