of::<SendMessage>
of::<ReceiveMessage>
of::<GetQueueAttributes>