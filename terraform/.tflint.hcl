# The ruleset that tflint carries. The one for AWS would be a download from
# elsewhere; terraform validate and checkov see to what it checks.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# The roots of examples and tests are one file each, to be read from top to bottom.
rule "terraform_standard_module_structure" {
  enabled = false
}
