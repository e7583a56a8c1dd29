mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "events_are_off_until_wanted" {
  assert {
    condition = (
      length(aws_pipes_pipe.events) == 0 && length(aws_cloudwatch_event_bus.events) == 0 && length(aws_iam_role.pipe) == 0
      && !aws_dynamodb_table.messages.stream_enabled && output.event_bus == null
      && !contains(keys(aws_cloudwatch_metric_alarm.this), "events-late")
    )
    error_message = "Resources for events exist although events is false."
  }
}

run "events_go_from_the_stream_to_a_bus_of_their_own" {
  variables { events = true }
  assert {
    condition     = aws_dynamodb_table.messages.stream_enabled && aws_dynamodb_table.messages.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "The stream lacks the old or the new image."
  }
  assert {
    condition = (
      aws_pipes_pipe.events[0].source == aws_dynamodb_table.messages.stream_arn
      && aws_pipes_pipe.events[0].target == aws_cloudwatch_event_bus.events[0].arn
      && aws_cloudwatch_event_bus.events[0].name == "smsqueue"
      && output.event_bus == { name = "smsqueue", arn = aws_cloudwatch_event_bus.events[0].arn }
    )
    error_message = "The pipe does not connect the stream with the bus, or the output is another bus."
  }
  assert {
    condition = [
      for p in one(aws_pipes_pipe.events[0].target_parameters).eventbridge_event_bus_parameters : [p.source, p.detail_type]
    ] == [["smsqueue", "SMS Status Changed"]]
    error_message = "The events have the wrong source or type."
  }
  assert {
    condition = (
      one(one(aws_pipes_pipe.events[0].source_parameters).dynamodb_stream_parameters).maximum_record_age_in_seconds == 21600
      && one(one(one(aws_pipes_pipe.events[0].source_parameters).dynamodb_stream_parameters).dead_letter_config).arn == aws_sqs_queue.failed_events.arn
      && one(one(aws_pipes_pipe.events[0].source_parameters).dynamodb_stream_parameters).on_partial_batch_item_failure == "AUTOMATIC_BISECT"
    )
    error_message = "A change that cannot be put is lost, or blocks the others forever."
  }
  assert {
    condition     = length(aws_pipes_pipe.events[0].log_configuration) == 0
    error_message = "The pipe writes logs, which could contain texts and numbers."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["events-late"].dimensions["PipeName"] == aws_pipes_pipe.events[0].name
    error_message = "A failing pipe raises no alarm."
  }
}

run "the_pipe_may_do_its_work_and_no_more" {
  variables { events = true }
  assert {
    condition = jsonencode({
      for s in jsondecode(aws_iam_role_policy.pipe[0].policy).Statement : s.Sid => [sort(s.Action), s.Resource]
      }) == jsonencode({
      ReadChanges      = [["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"], aws_dynamodb_table.messages.stream_arn]
      PutEvents        = [["events:PutEvents"], aws_cloudwatch_event_bus.events[0].arn]
      KeepFailedEvents = [["sqs:SendMessage"], aws_sqs_queue.failed_events.arn]
      UseRecords       = [["kms:Decrypt"], aws_kms_key.this[0].arn]
      UseFailedEvents  = [["kms:Decrypt", "kms:GenerateDataKey"], aws_kms_key.this[0].arn]
    })
    error_message = "The pipe's role allows something else than the pipe needs."
  }
  assert {
    condition = jsondecode(aws_iam_role.pipe[0].assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Service = "pipes.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = "123456789012"
          "aws:SourceArn"     = "arn:aws:pipes:eu-central-1:123456789012:pipe/${aws_pipes_pipe.events[0].name}"
        }
      }
    }]
    error_message = "Something other than this pipe may assume the role."
  }
}
