module github.com/intelliauth/intelliauth/examples/go-api

go 1.26.0

require github.com/intelliauth/intelliauth/sdk/go v0.0.0

require github.com/go-jose/go-jose/v4 v4.1.9 // indirect

replace github.com/intelliauth/intelliauth/sdk/go => ../../sdk/go
