package prereq

// Terraform provisions a deployment. The version is the one from which a
// validation may refer to other variables.
var Terraform = Tool{
	Name:  "terraform",
	Why:   "provisions AWS in `make deploy`, and is tested by `make test`",
	Get:   "https://developer.hashicorp.com/terraform/install, 1.9 or later",
	probe: saying(`Terraform v(\d\S*)`, "terraform", "version"),
}
