output "written" {
  description = "What is written, by AWS's name."
  value = merge(
    var.delivery_logs ? {
      "SNS DeliveryStatusIAMRole"             = aws_iam_role.sns[0].arn
      "SNS DeliveryStatusSuccessSamplingRate" = "100"
    } : {},
    var.monthly_spend_limit_usd == null ? {} : { "SNS MonthlySpendLimit" = tostring(var.monthly_spend_limit_usd) },
    var.default_sender_id == null ? {} : { "SNS DefaultSenderID" = var.default_sender_id },
    var.api_gateway_log_role ? { "API Gateway cloudwatchRoleArn" = aws_iam_role.api_gateway[0].arn } : {},
    { for key, group in aws_cloudwatch_log_group.sns : "CloudWatch Logs group ${group.name}" => "kept for ${var.retention_days} days" },
  )
}
