"""The networks (models.bert_image), the models that come with the project (models/zoo), and the registry that opens them."""
