"""The one door for browsers and programs: who asks, what they may reach, pages made of several services, live push.

Owns logins and sessions; everything else is asked of the services, on behalf of whoever is signed in.
Tells: nothing. Listens to: CustomerRegistered, and, for live push, everything.
"""
