# The ruleset built into tflint. The AWS ruleset is a separate download; terraform
# validate and checkov cover most of what it checks.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Examples and tests are single files, meant to be read from top to bottom.
rule "terraform_standard_module_structure" {
  enabled = false
}
