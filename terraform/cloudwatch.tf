# Alarms, metrics and a dashboard for operators.

locals {
  minute = 60

  # The field `missing` says what a period without data means. The queues and the pipe
  # report nothing while they are idle, so their alarms have "ignore": such an alarm stays
  # as it is.
  alarms = merge(
    {
      dead-letters = {
        text       = "The queue has an entry that cannot be read. Look at the bodies in the dead-letter queue. No message is lost: smsqueue's own entries never end there."
        namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        dimensions = { QueueName = aws_sqs_queue.dead_letters.name }
        above      = 0, period = 5 * local.minute, periods = 1, missing = "ignore"
      }
      failed-events = {
        text       = "A call of the function receipts failed permanently, or the pipe gave up on status changes. Each entry on the queue of failed events has the reason. It also has the function's input, which contains whole numbers, or the position of the changes in the stream. Entries are kept for 14 days. The alarm ends when the queue is empty."
        namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        dimensions = { QueueName = aws_sqs_queue.failed_events.name }
        above      = 0, period = 5 * local.minute, periods = 1, missing = "ignore"
      }
      backlog = {
        text       = "The oldest message on the queue has been waiting for over 5 minutes. Check the sender for errors, and whether parts_per_second is too low."
        namespace  = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
        dimensions = { QueueName = aws_sqs_queue.messages.name }
        above      = 5 * 60, period = local.minute, periods = 3, missing = "notBreaching"
      }
      api-faults = {
        text       = "The API answers with 5xx errors. Find their request ids in the access log, then search the api's log for them."
        namespace  = "AWS/ApiGateway", metric = "5XXError", statistic = "Sum"
        dimensions = { ApiName = aws_api_gateway_rest_api.this.name, Stage = aws_api_gateway_stage.v1.stage_name }
        above      = 5, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
      relay-stopped = {
        text       = "The relay has not run for 5 minutes, so messages that are due are not sent. Check its schedule."
        namespace  = "AWS/Lambda", metric = "Invocations", statistic = "Sum"
        dimensions = { FunctionName = module.relay.name }
        below      = 1, period = 5 * local.minute, periods = 1, missing = "breaching"
      }
    },
    {
      for name in local.services : "${name}-throttled" => {
        text       = "Lambda refuses calls of the function ${name}, because the account runs as many functions at once as AWS's quota allows. Ask AWS for more, under Service Quotas."
        namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum"
        dimensions = { FunctionName = "${var.name}-${name}" }
        above      = 0, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
    },
    {
      for name in setsubtract(local.services, ["api"]) : "${name}-errors" => {
        text       = "Calls of the function ${name} fail. Its log has the reason."
        namespace  = "AWS/Lambda", metric = "Errors", statistic = "Sum"
        dimensions = { FunctionName = "${var.name}-${name}" }
        above      = 0, period = local.minute, periods = 3, missing = "notBreaching"
      }
    },
    local.receipts ? {
      receipts-unreadable = {
        text       = "The provider's log of receipts has lines that cannot be parsed. The log of the function receipts has the stream and event id of each line. The messages of these lines keep their status."
        namespace  = var.name, metric = "UnreadableReceipts", statistic = "Sum"
        dimensions = {}
        above      = 0, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
    } : {},
    # A failing pipe calls less and less often, and AWS can stop a pipe that always fails.
    # The next change that passes ends the alarm.
    var.events ? {
      events-late = {
        text       = "The pipe cannot put status changes on the event bus. It retries each change for 6 hours, then puts the position of the change in the stream on the queue of failed events. If AWS stopped the pipe, the state of the pipe says why."
        namespace  = "AWS/EventBridge/Pipes", metric = "ExecutionFailed", statistic = "Sum"
        dimensions = { PipeName = one(aws_pipes_pipe.events[*].name) }
        above      = 0, period = 5 * local.minute, periods = 3, failing = 2, missing = "ignore"
      }
    } : {},
    var.sms_preferences.monthly_spend_limit_usd == null ? {} : {
      spend = {
        text       = "80 % of this month's spend limit for SMS is used up. At the limit, SNS stops sending, and reports that only in its delivery log."
        namespace  = "AWS/SNS", metric = "SMSMonthToDateSpentUSD", statistic = "Maximum"
        dimensions = {}
        above      = 0.8 * var.sms_preferences.monthly_spend_limit_usd, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
    },
  )

  # Metrics that count lines of a log. If the log level is above INFO, receipts of other
  # applications are not counted.
  counted = local.receipts ? {
    UnreadableReceipts = { group = module.receipts[0].log_group_name, message = "receipt not readable" }
    ForeignReceipts    = { group = module.relay.log_group_name, message = "pending receipt matches no message" }
  } : {}

  api = ["ApiName", aws_api_gateway_rest_api.this.name, "Stage", aws_api_gateway_stage.v1.stage_name]
  graphs = concat([
    {
      title = "Messages on the queues", stat = "Maximum"
      metrics = [
        for queue in [aws_sqs_queue.messages.name, aws_sqs_queue.dead_letters.name, aws_sqs_queue.failed_events.name] :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]
      ]
    },
    {
      title   = "Age of the oldest message, seconds", stat = "Maximum"
      metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.messages.name]]
    },
    {
      title   = "Answers of the API", stat = "Sum"
      metrics = [for metric in ["Count", "4XXError", "5XXError"] : concat(["AWS/ApiGateway", metric], local.api)]
    },
    {
      title   = "Latency of the API, milliseconds", stat = "p99"
      metrics = [concat(["AWS/ApiGateway", "Latency"], local.api)]
    },
    {
      title   = "Errors of the functions", stat = "Sum"
      metrics = [for name in local.services : ["AWS/Lambda", "Errors", "FunctionName", "${var.name}-${name}"]]
    },
    {
      title   = "Spent on SMS this month, US dollars", stat = "Maximum"
      metrics = [["AWS/SNS", "SMSMonthToDateSpentUSD"]]
    },
    ], length(local.counted) > 0 ? [{
      title   = "Counted in the functions' logs", stat = "Sum"
      metrics = [for name in keys(local.counted) : [var.name, name]]
  }] : [])
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.counted

  name           = each.key
  log_group_name = each.value.group
  pattern        = "{ $.message = \"${each.value.message}\" }"

  metric_transformation {
    namespace = var.name
    name      = each.key
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = try(each.value.failing, each.value.periods)
  treat_missing_data  = each.value.missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.monitoring.dashboard ? 1 : 0

  dashboard_name = "${var.name}-${local.region}" # dashboards belong to no Region
  dashboard_body = jsonencode({
    widgets = [
      for i, graph in local.graphs : {
        type   = "metric"
        x      = 8 * (i % 3)
        y      = 6 * floor(i / 3)
        width  = 8
        height = 6
        properties = {
          title   = graph.title
          metrics = graph.metrics
          stat    = graph.stat
          region  = local.region
          period  = local.minute
          view    = "timeSeries"
        }
      }
    ]
  })
}
