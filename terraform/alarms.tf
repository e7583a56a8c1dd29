# What an operator should hear of, and one page to look at.

locals {
  minute = 60

  alarms = merge(
    {
      dead-letters = {
        says      = "Something on the queue cannot be read. Look at the bodies in the dead-letter queue: messages of ours never end there."
        namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        of        = { QueueName = aws_sqs_queue.dead_letters.name }
        over      = 0, period = local.minute, periods = 1, missing = "notBreaching"
      }
      failed-events = {
        says      = "A call of the relay or of receipts failed for good, or the pipe gave up changes. The queue of failed events holds what the function was called with, or where in the stream the changes stand, and why it failed."
        namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        of        = { QueueName = aws_sqs_queue.failed_events.name }
        over      = 0, period = local.minute, periods = 1, missing = "notBreaching"
      }
      backlog = {
        says      = "The oldest message on the queue has waited for 5 minutes. Look at the errors of the sender, and at its pace."
        namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum"
        of        = { QueueName = aws_sqs_queue.messages.name }
        over      = 5 * 60, period = local.minute, periods = 3, missing = "notBreaching"
      }
      api-faults = {
        says      = "The API answers with 5xx. Look for the request ids of the access log in the log of the api."
        namespace = "AWS/ApiGateway", metric = "5XXError", statistic = "Sum"
        of        = { ApiName = aws_api_gateway_rest_api.this.name, Stage = aws_api_gateway_stage.v1.stage_name }
        over      = 5, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
      relay-stopped = {
        says      = "The relay has not run for 5 minutes: what is due is not enqueued. Look at its schedule."
        namespace = "AWS/Lambda", metric = "Invocations", statistic = "Sum"
        of        = { FunctionName = module.relay.name }
        below     = 1, period = 5 * local.minute, periods = 1, missing = "breaching"
      }
    },
    {
      for name in setsubtract(local.services, ["api"]) : "${name}-errors" => {
        says      = "Calls of ${name} fail. Its log says why."
        namespace = "AWS/Lambda", metric = "Errors", statistic = "Sum"
        of        = { FunctionName = "${var.name}-${name}" }
        over      = 0, period = local.minute, periods = 3, missing = "notBreaching"
      }
    },
    local.receipts ? {
      receipts-unreadable = {
        says      = "SNS's delivery log has lines that cannot be read. The log of receipts names each by its stream and event id; their messages stay as they are."
        namespace = var.name, metric = "UnreadableReceipts", statistic = "Sum"
        of        = {}
        over      = 0, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
    } : {},
    var.events ? {
      events-late = {
        says      = "The pipe cannot put changes of status on the event bus. It tries for 6 hours; then they are named on the queue of failed events."
        namespace = "AWS/EventBridge/Pipes", metric = "ExecutionFailed", statistic = "Sum"
        of        = { PipeName = one(aws_pipes_pipe.events[*].name) }
        over      = 0, period = local.minute, periods = 5, missing = "notBreaching"
      }
    } : {},
    var.sms_preferences == null ? {} : {
      spend = {
        says      = "Four fifths of this month's spend limit for SMS are used up. At the limit SNS sends nothing more, and says so in its delivery log alone."
        namespace = "AWS/SNS", metric = "SMSMonthToDateSpentUSD", statistic = "Maximum"
        of        = {}
        over      = 0.8 * var.sms_preferences.monthly_spend_limit_usd, period = 5 * local.minute, periods = 1, missing = "notBreaching"
      }
    },
  )

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
      title   = "Time that the API takes, milliseconds", stat = "p99"
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
    ], local.receipts ? [{
      title   = "Receipts that belong to no message, and lines that are none", stat = "Sum"
      metrics = [for filter in aws_cloudwatch_log_metric_filter.receipts : [var.name, filter.name]]
  }] : [])
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.of
  statistic           = each.value.statistic
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.over)
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
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
