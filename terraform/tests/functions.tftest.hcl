mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE", "GB"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "the_sender_publishes_to_phones_and_to_no_topic" {
  assert {
    condition = [
      for s in jsondecode(module.sender.policy).Statement : [s.Effect, s.Resource] if contains(flatten([s.Action]), "sns:Publish")
    ] == [["Allow", "*"], ["Deny", "arn:aws:sns:*:*:*"]]
    error_message = "sns:Publish is not allowed for phone numbers, or is not denied for topics."
  }
  assert {
    condition = [
      for s in jsondecode(module.sender.policy).Statement : s.Condition if contains(flatten([s.Action]), "sms-voice:SendTextMessage")
    ] == [{ StringEquals = { "aws:CalledViaLast" = "sns.amazonaws.com" } }]
    error_message = "sms-voice:SendTextMessage is allowed without SNS."
  }
  assert {
    condition     = !strcontains(join("", [module.api.policy, module.relay.policy]), "sns:")
    error_message = "A function other than the sender may publish."
  }
}

run "policies_name_actions_and_resources" {
  variables {
    receipts   = true
    events     = true
    monitoring = { tracing = true }
  }
  assert {
    condition = alltrue(flatten([
      for p in [module.api.policy, module.sender.policy, module.relay.policy, module.receipts[0].policy, aws_iam_role_policy.pipe[0].policy] : [
        for s in jsondecode(p).Statement : [
          for a in flatten([s.Action]) : !strcontains(a, "*")
        ]
      ]
    ]))
    error_message = "A policy allows actions by a wildcard."
  }
  assert {
    condition = alltrue(flatten([
      for p in [module.api.policy, module.sender.policy, module.relay.policy, module.receipts[0].policy, aws_iam_role_policy.pipe[0].policy] : [
        for s in jsondecode(p).Statement : contains(["Trace", "PublishToPhones", "PublishThroughSNS"], s.Sid) if s.Resource == "*"
      ]
    ]))
    error_message = "A policy allows an action on every resource."
  }
}

run "each_role_uses_the_key_only_for_what_it_reads_and_sends" {
  variables {
    receipts = true
    events   = true
  }
  assert {
    condition = jsonencode({
      for name, p in {
        api      = module.api.policy, relay = module.relay.policy, sender = module.sender.policy
        receipts = module.receipts[0].policy, pipe = aws_iam_role_policy.pipe[0].policy
        } : name => sort([
          for s in jsondecode(p).Statement : join(" ", concat(
            [s.Condition.StringEquals["kms:ViaService"]], s.Action,
            [for key, value in s.Condition.StringEquals : value if strcontains(key, "EncryptionContext")],
          )) if startswith(flatten([s.Action])[0], "kms:")
      ])
      }) == jsonencode({
      api      = ["dynamodb.eu-central-1.amazonaws.com kms:Decrypt smsqueue-messages", "sqs.eu-central-1.amazonaws.com kms:Decrypt kms:GenerateDataKey arn:aws:sqs:eu-central-1:123456789012:smsqueue-messages"]
      relay    = ["dynamodb.eu-central-1.amazonaws.com kms:Decrypt smsqueue-messages", "sqs.eu-central-1.amazonaws.com kms:Decrypt kms:GenerateDataKey arn:aws:sqs:eu-central-1:123456789012:smsqueue-messages"]
      sender   = ["dynamodb.eu-central-1.amazonaws.com kms:Decrypt smsqueue-messages", "sqs.eu-central-1.amazonaws.com kms:Decrypt arn:aws:sqs:eu-central-1:123456789012:smsqueue-messages"]
      receipts = ["dynamodb.eu-central-1.amazonaws.com kms:Decrypt smsqueue-messages", "sqs.eu-central-1.amazonaws.com kms:Decrypt kms:GenerateDataKey arn:aws:sqs:eu-central-1:123456789012:smsqueue-failed-events"]
      pipe     = ["dynamodb.eu-central-1.amazonaws.com kms:Decrypt smsqueue-messages", "sqs.eu-central-1.amazonaws.com kms:Decrypt kms:GenerateDataKey arn:aws:sqs:eu-central-1:123456789012:smsqueue-failed-events"]
    })
    error_message = "A role may use the key through another service, for another table or queue, or for more than it needs."
  }
}

run "the_sender_is_fed_as_the_promises_need" {
  variables {
    sender = { concurrency = 4, parts_per_second = 10 }
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.messages.function_response_types == toset(["ReportBatchItemFailures"])
      && one(aws_lambda_event_source_mapping.messages.scaling_config).maximum_concurrency == 4
      && aws_lambda_event_source_mapping.messages.function_name == module.sender.alias_arn
    )
    error_message = "The mapping does not report single failures, has no maximum concurrency, or bypasses the alias."
  }
  assert {
    condition     = module.sender.environment.PARTS_PER_SECOND == "10"
    error_message = "The senders do not know the pace that they share."
  }
}

run "senders_hold_no_more_than_the_pace_lets_through" {
  variables {
    sender = { concurrency = 100, parts_per_second = 1 }
  }
  assert {
    condition = (
      one(aws_lambda_event_source_mapping.messages.scaling_config).maximum_concurrency == 2
      && aws_lambda_event_source_mapping.messages.batch_size == 6
    )
    error_message = "Senders hold more messages than can be handed over before their time ends."
  }
}

run "a_pace_at_which_hardly_anything_is_sent_is_refused" {
  command = plan
  variables {
    sender = { parts_per_second = 0.0000000001 }
  }
  expect_failures = [var.sender]
}

run "a_slow_pace_leaves_one_message_to_each_sender" {
  variables {
    sender = { parts_per_second = 0.01 }
  }
  assert {
    condition     = aws_lambda_event_source_mapping.messages.batch_size == 1
    error_message = "A sender holds several messages although each waits for minutes."
  }
}

run "without_a_pace_every_sender_runs" {
  variables {
    sender                = { concurrency = 100, parts_per_second = 0 }
    concurrent_executions = 1000
  }
  assert {
    condition = (
      one(aws_lambda_event_source_mapping.messages.scaling_config).maximum_concurrency == 100
      && aws_lambda_event_source_mapping.messages.batch_size == 10
    )
    error_message = "Without a pace, the senders are held back."
  }
}

run "the_relay_is_never_repeated" {
  assert {
    condition = (
      one(one(aws_scheduler_schedule.relay.target).retry_policy).maximum_retry_attempts == 0
      && one(aws_scheduler_schedule.relay.target).arn == module.relay.alias_arn
      && aws_scheduler_schedule.relay.schedule_expression == "rate(1 minute)"
    )
    error_message = "The schedule repeats failed calls, bypasses the alias, or does not run every minute."
  }
}

run "the_environment_says_what_was_set" {
  variables {
    allowed_countries = ["DE", "GB", "crown-dependencies"]
    default_country   = "GB"
    number_types      = ["mobile", "fixed-line"]
    strict_numbers    = true
    clients           = { shop = { allowed_countries = ["US", "us-territories"] } }
    messages          = { validity_hours = 2, retention_days = 8, max_attempts = 3 }
  }
  assert {
    condition     = module.api.environment.ALLOWED_COUNTRIES == "DE,GB,crown-dependencies" && module.api.environment.DEFAULT_COUNTRY == "GB"
    error_message = "The api allows the wrong countries."
  }
  assert {
    condition     = module.api.environment.NUMBER_TYPES == "mobile,fixed-line" && module.api.environment.STRICT_NUMBERS == "true"
    error_message = "The api accepts the wrong numbers."
  }
  assert {
    condition = alltrue([
      for e in [module.api.environment, module.sender.environment, module.relay.environment] :
      [e.VALIDITY_HOURS, e.RETENTION_DAYS, e.MAX_ATTEMPTS, e.SENDER_TIMEOUT_SECONDS, e.SEVERAL_OWNERS] == ["2", "8", "3", "60", "false"]
    ])
    error_message = "The services have different settings for messages."
  }
}

run "clients_of_one_owner_are_not_several_owners" {
  variables {
    clients = { shop = {}, new = { owner = "shop" } }
  }
  assert {
    condition     = module.sender.environment.SEVERAL_OWNERS == "false"
    error_message = "Two clients of one owner count as two owners."
  }
}

run "clients_of_two_owners_are" {
  variables {
    clients = { shop = {}, billing = {} }
  }
  assert {
    condition     = [for e in [module.sender.environment, module.relay.environment] : e.SEVERAL_OWNERS] == ["true", "true"]
    error_message = "Two owners count as one."
  }
}

run "limits_and_waits_reach_the_api" {
  variables {
    limits                = { parts_per_day = 1000 }
    api                   = { longest_wait_seconds = 15, reserved_concurrency = 100 }
    concurrent_executions = 1000
  }
  assert {
    condition     = [module.api.environment.PARTS_PER_DAY, module.api.environment.MESSAGES_PER_RECIPIENT_HOUR] == ["1000", "0"]
    error_message = "The api has the wrong limits."
  }
  assert {
    condition     = module.api.environment.MAX_WAIT_SECONDS == "15" && alltrue([for i in aws_api_gateway_integration.this : i.timeout_milliseconds == 25000])
    error_message = "The gateway or the function ends before the longest wait of a look-up."
  }
}

run "two_deployments_share_an_account" {
  variables {
    name                        = "second"
    manage_api_gateway_log_role = false
  }
  assert {
    condition     = output.account_wide == {}
    error_message = "A second deployment writes settings of the account."
  }
  assert {
    condition = alltrue([
      for n in concat(
        [aws_dynamodb_table.messages.name, aws_sqs_queue.messages.name, aws_scheduler_schedule.relay.name, aws_cognito_user_pool_domain.this.domain],
        [module.api.name, module.sender.name, module.relay.name, aws_iam_role.schedule.name, aws_cloudwatch_dashboard.this[0].dashboard_name],
        [for a in aws_cloudwatch_metric_alarm.this : a.alarm_name],
      ) : startswith(n, "second")
    ])
    error_message = "A name lacks the prefix."
  }
}

run "alarms_notify" {
  variables { alarm_actions = ["arn:aws:sns:eu-central-1:123456789012:alarms"] }
  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.this : a.alarm_actions == toset(var.alarm_actions) && a.ok_actions == toset(var.alarm_actions)])
    error_message = "An alarm notifies nobody."
  }
}
