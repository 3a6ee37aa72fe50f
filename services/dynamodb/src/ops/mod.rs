of::<PutItem>
of::<Query>
of::<TransactWriteItems>